import { closeSync, constants, fstatSync, openSync, statfsSync, writeSync } from "node:fs";
import { errnoCode } from "../netlink/errno.ts";
import { NetlinkSocket } from "../netlink/socket.ts";
import { loadAddon, type NetnsAddon } from "./addon.ts";

/** NSFS_MAGIC of linux/magic.h: what statfs says of a namespace's file. */
const NSFS_MAGIC = 0x6e736673;

/** The calling thread's own: process.pid's would be the main thread's. */
const ownPath = "/proc/thread-self/ns/net";

export type NetnsReason = "missing" | "not-a-namespace" | "denied";

/** A path that could not be opened as a network namespace. */
export class NetnsError extends Error {
  override readonly name = "NetnsError";
  readonly reason: NetnsReason;
  readonly path: string;

  constructor(
    reason: NetnsReason,
    path: string,
    options: { readonly detail?: string; readonly cause?: unknown } = {},
  ) {
    super(`${sentences[reason](path)}${options.detail === undefined ? "" : ` (${options.detail})`}`, {
      cause: options.cause,
    });
    this.reason = reason;
    this.path = path;
  }
}

const sentences: Readonly<Record<NetnsReason, (path: string) => string>> = {
  missing: (path) => `there is no network namespace at "${path}"`,
  "not-a-namespace": (path) => `"${path}" is not a network namespace`,
  denied: (path) => `the network namespace at "${path}" may not be entered: root (CAP_SYS_ADMIN) is needed`,
};

/** A network namespace that is held by a descriptor, and so lives while this does. Dispose of it. */
export class Netns {
  readonly path: string;
  readonly fd: number;
  /** "dev:ino" of its file: the same for the same namespace, whatever the path. */
  readonly id: string;
  #netlink: NetlinkSocket | undefined;

  constructor(path: string, fd: number) {
    this.path = path;
    this.fd = fd;
    this.id = idOf(fd);
  }

  isSame(other: Netns): boolean {
    return this.id === other.id;
  }

  /** A socket in this namespace: opened at the first use, then kept. */
  get netlink(): NetlinkSocket {
    this.#netlink ??= this.run(() => new NetlinkSocket());
    return this.#netlink;
  }

  /**
   * Runs fn with the thread in this namespace, then comes back. fn must be synchronous: whatever else the thread
   * ran meanwhile would run in here. Throws NetnsError (denied), and what fn throws.
   */
  run<T>(fn: () => T): T {
    const before = openSync(ownPath, constants.O_RDONLY);
    try {
      return idOf(before) === this.id ? fn() : this.#visit(before, fn);
    } finally {
      closeSync(before);
    }
  }

  #visit<T>(before: number, fn: () => T): T {
    const { setns } = loadAddon<NetnsAddon>("netns");
    const errno = setns(this.fd);
    if (errno !== 0) throw new NetnsError("denied", this.path, { detail: errnoCode(errno) });
    try {
      const value = fn();
      if (value instanceof Promise) throw new TypeError("Netns.run takes a synchronous function");
      return value;
    } finally {
      const stuck = setns(before);
      if (stuck !== 0) abandonProcess(this.path, stuck);
    }
  }

  [Symbol.dispose](): void {
    this.#netlink?.close();
    this.#netlink = undefined;
    closeSync(this.fd);
  }
}

// A process that is in a pod's namespace and takes it for the host's would do harm with all it does next.
function abandonProcess(path: string, errno: number): never {
  writeSync(2, `cannot come back from the network namespace at ${path}: ${errnoCode(errno)}\n`);
  process.abort();
}

/** The network namespace at that path. Throws NetnsError. */
export function openNetns(path: string): Netns {
  const fd = openNamespaceFile(path);
  if (loadAddon<NetnsAddon>("netns").isNetns(fd) === 1) return new Netns(path, fd);
  closeSync(fd);
  throw new NetnsError("not-a-namespace", path, { detail: "it is a namespace of another type" });
}

/** The network namespace the calling thread is in. */
export function ownNetns(): Netns {
  return new Netns(ownPath, openSync(ownPath, constants.O_RDONLY));
}

function openNamespaceFile(path: string): number {
  try {
    // Before it is opened: to open a FIFO blocks, and to open a device may do things.
    if (statfsSync(path).type !== NSFS_MAGIC) throw new NetnsError("not-a-namespace", path);
    return openSync(path, constants.O_RDONLY);
  } catch (error) {
    if (error instanceof NetnsError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new NetnsError(code === "EACCES" || code === "EPERM" ? "denied" : "missing", path, {
      cause: error,
    });
  }
}

function idOf(fd: number): string {
  const { dev, ino } = fstatSync(fd);
  return `${dev}:${ino}`;
}
