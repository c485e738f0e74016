import { CniError, ErrorCode } from "../cni/error.ts";

/** Primary result codes: https://www.sqlite.org/rescode.html */
const sqlite = { ERROR: 1, BUSY: 5, CORRUPT: 11, CANTOPEN: 14, CONSTRAINT: 19, NOTADB: 26 } as const;

/** What fn gives; what SQLite or the file system throws becomes a CniError io or tryAgainLater naming the file. */
export function explained<T>(path: string, fn: () => T): T {
  const began = Date.now();
  try {
    return fn();
  } catch (error) {
    throw explain(path, error, Date.now() - began);
  }
}

function explain(path: string, error: unknown, waited: number): unknown {
  const code = primaryCode(error);
  if (error instanceof CniError || (code === undefined && !isSystemError(error))) return error;
  const options = { details: error instanceof Error ? error.message : String(error), cause: error };
  if (code === sqlite.BUSY) {
    return new CniError(
      ErrorCode.tryAgainLater,
      `state database "${path}" was locked by others for ${Math.round(waited / 1000)} s; try again`,
      options,
    );
  }
  if (code !== undefined && damage.includes(code)) {
    return new CniError(ErrorCode.io, `state database "${path}" is damaged; ${startOver(path)}`, options);
  }
  return new CniError(
    ErrorCode.io,
    `state database "${path}" cannot be used; see that its folder exists, is writable and has room`,
    options,
  );
}

/**
 * What SQLite says of a damaged database. Our statements suit our tables, and our rows their constraints: where a table
 * is missing (ERROR), or rows contradict each other, something else was written than we wrote.
 */
const damage: readonly number[] = [sqlite.CORRUPT, sqlite.NOTADB, sqlite.ERROR, sqlite.CONSTRAINT];

/** The remedy for a database that cannot be read. The log beside it must go too: it would be read into the next. */
export function startOver(path: string): string {
  return `drain this node of pods with such networks, then remove "${path}" and every file that begins so`;
}

/** Whether an error of explained() is SQLite's or the file system's, and more than a lock. */
export function isFailure(error: unknown): boolean {
  return error instanceof CniError && error.code === ErrorCode.io;
}

/** Whether SQLite was asked to open a file that is not there, or that it may not open. */
export function isUnopened(error: unknown): boolean {
  return primaryCode(error) === sqlite.CANTOPEN;
}

/** Whether another has a lock that SQLite wanted. */
export function isLocked(error: unknown): boolean {
  return primaryCode(error) === sqlite.BUSY;
}

function primaryCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("errcode" in error)) return undefined;
  return typeof error.errcode === "number" ? error.errcode & 0xff : undefined;
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && "syscall" in error;
}
