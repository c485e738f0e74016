import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { CniError, ErrorCode } from "./error.ts";

/** No configuration comes near this; it bounds what a caller can make us hold. */
const maxBytes = 4 * 1024 * 1024;
const chunkBytes = 64 * 1024;
/** How long VERSION waits for a stdin that is open, silent and not at its end. */
const brieflyMs = 100;

/** How long to read: to the end, or (for VERSION, which needs no stdin) only what is there already. */
export type Wait = "to the end" | "briefly";

/** All of a descriptor as UTF-8 text. Code 5 where it cannot be read, or holds more than 4 MiB. */
export function readAll(fd: number, limit = maxBytes): string {
  return readUntil(fd, limit, Number.POSITIVE_INFINITY);
}

/** What a descriptor holds, without waiting for its end; "" where there is nothing, or it cannot be read. */
export async function readBriefly(fd: number): Promise<string> {
  try {
    const stat = fstatSync(fd);
    if (stat.isCharacterDevice()) return ""; // a terminal would wait for its user
    return stat.isSocket() ? await readSocketBriefly(fd) : readPipeBriefly(fd);
  } catch {
    return "";
  }
}

function readPipeBriefly(fd: number): string {
  // A description of our own: O_NONBLOCK set on the shared one would be seen by whoever holds the other copies.
  const own = openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    return readUntil(own, maxBytes, Date.now() + brieflyMs);
  } finally {
    closeSync(own);
  }
}

/** A socket cannot be opened again: Node's event loop reads it (a parent written in Node gives its children sockets). */
async function readSocketBriefly(fd: number): Promise<string> {
  const { Socket } = await import("node:net");
  const socket = new Socket({ fd, readable: true, writable: false });
  const chunks: Buffer[] = [];
  const timer = setTimeout(() => socket.destroy(), brieflyMs);
  socket.on("data", (chunk) => chunks.push(chunk));
  await new Promise((resolve) => socket.on("error", resolve).on("end", resolve).on("close", resolve));
  clearTimeout(timer);
  socket.destroy();
  return Buffer.concat(chunks).toString("utf8");
}

function readUntil(fd: number, limit: number, deadline: number): string {
  const chunks: Buffer[] = [];
  let total = 0;
  for (;;) {
    const chunk = Buffer.allocUnsafe(chunkBytes);
    const length = readChunk(fd, chunk, deadline);
    if (length === 0) return Buffer.concat(chunks, total).toString("utf8");
    total += length;
    if (total > limit) {
      throw new CniError(ErrorCode.io, `the network configuration on stdin is larger than ${limit} bytes`);
    }
    chunks.push(chunk.subarray(0, length));
  }
}

/** Bytes read; 0 at the end, or when the deadline (ms of the epoch) has passed with nothing to read. */
function readChunk(fd: number, chunk: Buffer, deadline: number): number {
  for (let pause = 1; ; pause = Math.min(pause * 2, 20)) {
    try {
      return readSync(fd, chunk, 0, chunk.length, null);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code === "EOF") return 0;
      if (code !== "EAGAIN" && code !== "EINTR") {
        throw new CniError(ErrorCode.io, "error reading from stdin", { details: `${code}`, cause });
      }
      if (Date.now() >= deadline) return 0;
      sleep(pause);
    }
  }
}

function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
