import { closeSync, constants, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { errnoCode } from "../netlink/errno.ts";
import { loadAddon, type NetnsAddon } from "./addon.ts";

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

/** ms between tries: shorter than a kernel's RCU wait, which is what the other most likely waits for */
const pause = 2;

/**
 * Locks byte `offset` of a file (made where it is missing, 0600) until it is disposed of or the process ends
 * (F_OFD_SETLK of fcntl(2)); waits for at most `patience` ms. Many things that must not be done twice at once share a
 * file so, and none of them leaves anything behind. Throws LockError.
 */
export async function lockByte(path: string, offset: number, patience: number): Promise<Disposable> {
  const fd = open(path);
  try {
    const { lockByte: tryLock } = loadAddon<NetnsAddon>("netns");
    const deadline = Date.now() + patience;
    for (let errno = tryLock(fd, offset); errno !== 0; errno = tryLock(fd, offset)) {
      if (errno !== EAGAIN || Date.now() >= deadline) throw new LockError(path, errnoCode(errno));
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
    return { [Symbol.dispose]: () => closeSync(fd) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function open(path: string): number {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    return openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  } catch (cause) {
    throw new LockError(path, (cause as NodeJS.ErrnoException).code ?? "unknown", { cause });
  }
}
