import { constants, existsSync, openSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { getRawAsset, isSea } from "node:sea";

/**
 * What native/netns.c exports. setns, lockByte, unlockByte and forget give 0 or an errno, tuneNetlink a mask of the
 * options taken and the descriptor times 8, dropped a number of messages, setNiceness what the thread's was.
 * sendInThread gives 0 or an errno, and unless it gave one calls back with the same. lockByte puts the thread to sleep
 * until the lock is free, for at most `patience` ms; without, it does not wait. udpOfLink gives the descriptor of a
 * socket bound to the link and the address, or an errno times -1.
 */
export interface NetnsAddon {
  setns(fd: number): number;
  isNetns(fd: number): 0 | 1;
  tuneNetlink(port: number): number;
  lockByte(fd: number, offset: number, patience?: number): number;
  unlockByte(fd: number, offset: number): number;
  setNiceness(niceness: number): number;
  sendInThread(fd: number, bytes: Uint8Array, callback: (errno: number) => void): number;
  dropped(fd: number): number;
  forget(address: number, size: number): number;
  udpOfLink(ifname: string, address: string, port: number): number;
}

/** An addon could not be loaded; the message says where it was looked for and what to do. */
export class AddonError extends Error {
  override readonly name = "AddonError";
}

const loaded = new Map<string, unknown>();

/**
 * The native addon of that name, loaded once: from build/native/<name>-<arch>.node in a source tree, from the
 * asset <name>.node in a single executable. Throws AddonError.
 */
export function loadAddon<T>(name: string): T {
  if (!loaded.has(name)) loaded.set(name, isSea() ? fromAsset(name) : fromBuild(name));
  return loaded.get(name) as T;
}

/** Whether that was done before, so that it costs nothing. */
export const isLoaded = (name: string): boolean => loaded.has(name);

function fromBuild(name: string): unknown {
  const file = join(import.meta.dirname, "../../build/native", `${name}-${process.arch}.node`);
  if (!existsSync(file)) throw new AddonError(`${file} is missing; build it: scripts/build-native.sh`);
  return dlopen(file);
}

// The dynamic linker takes files only, and some of these folders are mounted noexec on some hosts. The
// executable's own cannot be, but may be read-only, or slower than a tmpfs.
function fromAsset(name: string): unknown {
  const asset = new Uint8Array(getRawAsset(`${name}.node`));
  const refusals: string[] = [];
  for (const folder of ["/dev/shm", "/run", "/tmp", "/var/tmp", dirname(process.execPath)]) {
    try {
      return dlopenBytes(asset, folder);
    } catch (error) {
      refusals.push(`${folder}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new AddonError(
    `no folder takes the executable code of ${name}.node; make one of these writable and not noexec: ${refusals.join("; ")}`,
  );
}

// The nameless file's descriptor stays open for good: were its number used again, the dynamic linker
// would take the second addon's path for the first one's.
function dlopenBytes(bytes: Uint8Array, folder: string): unknown {
  // O_TMPFILE is __O_TMPFILE | O_DIRECTORY (fcntl.h); the latter differs by architecture, the former does not.
  const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;
  const fd = openSync(folder, O_TMPFILE | constants.O_RDWR, 0o700);
  for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written);
  return dlopen(`/proc/self/fd/${fd}`);
}

function dlopen(file: string): unknown {
  const target: { exports: unknown } = { exports: {} };
  process.dlopen(target, file);
  return target.exports;
}
