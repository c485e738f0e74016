import { closeSync, constants, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { errnoCode } from "../netlink/errno.ts";
import { loadAddon, type NetnsAddon } from "./addon.ts";
import { processWide } from "./process-wide.ts";

/** A byte of a file could not be locked: EAGAIN where another has it and went on having it, or what open(2) says. */
export class LockError extends Error {
  override readonly name = "LockError";
  readonly code: string;

  constructor(path: string, code: string, options?: ErrorOptions) {
    super(`cannot lock "${path}": ${code}`, options);
    this.code = code;
  }
}

const EAGAIN = 11;

/** Of all copies of this module: what waits has another than what says how. */
const settings = processWide("linux.lock", () => ({ offThread: false }));

/**
 * From now on waiting for a lock leaves the thread to others, who may be those that have it; it looks again and again
 * then, and is not in the queue. That is for a process that has other calls to serve meanwhile.
 */
export function lockOffThread(): void {
  settings.offThread = true;
}

/** ms between looks: shorter than a kernel's RCU wait, which is what the other most likely waits for */
const pause = 2;

/**
 * Locks byte `offset` of a file (made where it is missing, 0600) until it is disposed of or the process ends
 * (F_OFD_SETLKW of fcntl(2)); waits for at most `patience` ms, and blocks the thread so long: see lockOffThread. Many
 * things that must not be done twice at once share a file so, and none of them leaves anything behind. Throws LockError.
 */
export async function lockByte(path: string, offset: number, patience: number): Promise<Disposable> {
  const fd = open(path);
  try {
    const { lockByte: lock } = loadAddon<NetnsAddon>("netns");
    const errno = await (settings.offThread
      ? look(() => lock(fd, offset), patience)
      : lock(fd, offset, patience));
    if (errno !== 0) throw new LockError(path, errnoCode(errno));
    return { [Symbol.dispose]: () => closeSync(fd) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/**
 * A byte of a file (made where it is missing, 0600; its folder is there) that is locked in the order in which it was
 * asked for, by processes that sleep until it is their turn. It holds no descriptor before the first time.
 */
export class LockQueue implements Disposable {
  readonly #path: string;
  readonly #offset: number;
  #fd: number | undefined;

  constructor(path: string, offset: number) {
    this.#path = path;
    this.#offset = offset;
  }

  /** Blocks the thread until it has the lock, for at most `patience` ms. Throws LockError, AddonError. */
  lock(patience: number): void {
    // Before the descriptor is there: without the addon there is nothing to unlock either.
    const { lockByte } = loadAddon<NetnsAddon>("netns");
    this.#fd ??= openFile(this.#path);
    const errno = lockByte(this.#fd, this.#offset, patience);
    if (errno !== 0) throw new LockError(this.#path, errnoCode(errno));
  }

  /** Lets the next one have it. */
  unlock(): void {
    if (this.#fd === undefined) return;
    const errno = loadAddon<NetnsAddon>("netns").unlockByte(this.#fd, this.#offset);
    // With the descriptor the lock goes in any case.
    if (errno !== 0) this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    if (this.#fd === undefined) return;
    closeSync(this.#fd);
    this.#fd = undefined;
  }
}

async function look(tryLock: () => number, patience: number): Promise<number> {
  const deadline = Date.now() + patience;
  for (;;) {
    const errno = tryLock();
    if (errno !== EAGAIN || Date.now() >= deadline) return errno;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

function open(path: string): number {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new LockError(path, (cause as NodeJS.ErrnoException).code ?? "unknown", { cause });
  }
  return openFile(path);
}

function openFile(path: string): number {
  try {
    return openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  } catch (cause) {
    throw new LockError(path, (cause as NodeJS.ErrnoException).code ?? "unknown", { cause });
  }
}
