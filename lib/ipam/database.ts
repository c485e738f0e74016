import { chmodSync, linkSync, mkdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import type { SQLInputValue, SQLOutputValue, StatementSync } from "node:sqlite";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { CniError, ErrorCode } from "../cni/error.ts";
import { applicationId, schema, schemaVersion } from "./schema.ts";

export type Row = Record<string, SQLOutputValue>;

/** An open database with its prepared statements. Errors leave it as CniError, naming the file. */
export class Database {
  readonly #path: string;
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  /** Opens the file, making it and its folder (0600, 0700) when it is missing. */
  constructor(path: string) {
    this.#path = path;
    this.#db = explained(path, () => openOrCreate(path));
  }

  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#prepare(sql).run(...values).lastInsertRowid);
  }

  get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#prepare(sql).get(...values);
  }

  all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#prepare(sql).all(...values);
  }

  /** Runs fn between `begin` and COMMIT, or ROLLBACK when it throws. */
  transaction<T>(begin: "BEGIN" | "BEGIN IMMEDIATE", fn: () => T): T {
    return explained(this.#path, () => {
      this.#db.exec(begin);
      try {
        const result = fn();
        this.#db.exec("COMMIT");
        return result;
      } catch (error) {
        this.#rollback();
        throw error;
      }
    });
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }

  #rollback(): void {
    try {
      // Some errors (SQLITE_FULL, SQLITE_IOERR) have rolled back by themselves.
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
    } catch {
      // The error that led here says more; what is uncommitted is undone at the next open.
    }
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

/** How long a transaction waits for others' before it gives up, in milliseconds. */
const lockTimeout = 20_000;

function openOrCreate(path: string): DatabaseSync {
  try {
    return open(path);
  } catch (error) {
    if (primaryCode(error) !== sqlite.CANTOPEN) throw error;
  }
  create(path);
  return open(path);
}

function open(path: string): DatabaseSync {
  // mode=rw: SQLite would make an empty file in place of a missing one, and take an emptied one for new.
  const url = pathToFileURL(path);
  url.searchParams.set("mode", "rw");
  const db = new DatabaseSync(url, { timeout: lockTimeout });
  try {
    // docs/adr/0006-state-in-sqlite.md says why not WAL.
    db.exec("PRAGMA journal_mode = TRUNCATE");
    checkVersion(path, db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function checkVersion(path: string, db: DatabaseSync): void {
  const id = Number(db.prepare("PRAGMA application_id").get()?.application_id);
  const version = Number(db.prepare("PRAGMA user_version").get()?.user_version);
  if (id !== applicationId) {
    throw new CniError(
      ErrorCode.io,
      `state database "${path}" is not one of ours (application_id ${id}); ${remedy(path)}`,
    );
  }
  if (version !== schemaVersion) {
    throw new CniError(
      ErrorCode.io,
      `state database "${path}" has version ${version}, and this executable reads version ${schemaVersion}; ` +
        "install the executables of one release on this node, or drain the node and reboot it",
    );
  }
}

/** Makes the database beside its place and links it in whole, so that no one ever sees it half made. */
function create(path: string): void {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const draft = `${path}.${process.pid}.new`;
  rmSync(draft, { force: true });
  try {
    const db = new DatabaseSync(draft);
    try {
      chmodSync(draft, 0o600);
      db.exec(`PRAGMA journal_mode = MEMORY; BEGIN; ${schema} COMMIT;`);
    } finally {
      db.close();
    }
    linkSync(draft, path);
  } catch (error) {
    if (!isExisting(error)) throw error; // another process was first: its database is as good
  } finally {
    rmSync(draft, { force: true });
  }
}

function isExisting(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EEXIST";
}

/** Primary result codes: https://www.sqlite.org/rescode.html */
const sqlite = { BUSY: 5, CORRUPT: 11, CANTOPEN: 14, NOTADB: 26 } as const;

function primaryCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("errcode" in error)) return undefined;
  return typeof error.errcode === "number" ? error.errcode & 0xff : undefined;
}

function explained<T>(path: string, fn: () => T): T {
  try {
    return fn();
  } catch (error) {
    if (error instanceof CniError) throw error;
    throw explain(path, error);
  }
}

function explain(path: string, error: unknown): unknown {
  const code = primaryCode(error);
  const options = { details: error instanceof Error ? error.message : String(error), cause: error };
  if (code === sqlite.BUSY) {
    return new CniError(
      ErrorCode.tryAgainLater,
      `state database "${path}" was locked by others for ${lockTimeout / 1000} s; try again`,
      options,
    );
  }
  if (code === sqlite.CORRUPT || code === sqlite.NOTADB) {
    return new CniError(ErrorCode.io, `state database "${path}" is damaged; ${remedy(path)}`, options);
  }
  if (code === undefined && !isSystemError(error)) return error;
  return new CniError(
    ErrorCode.io,
    `state database "${path}" cannot be used; see that its folder exists, is writable and has room`,
    options,
  );
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && "syscall" in error;
}

function remedy(path: string): string {
  return `drain this node of pods with such networks, then remove "${path}" (it holds their leases)`;
}
