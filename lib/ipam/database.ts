import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from "node:sqlite";
import { explained, isFailure } from "./database-error.ts";
import { openOrCreate } from "./database-file.ts";
import { type Patience, patiently, Turns, usualPatience } from "./database-turn.ts";
import { schemaVersion } from "./schema.ts";

export type Row = Record<string, SQLOutputValue>;

/** An open database with its prepared statements. Errors leave it as CniError, naming the file. */
export class Database {
  readonly #path: string;
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #patience: Patience;
  readonly #turns: Turns;
  #isSuspect = false;

  /** Opens the file, making it and its folder (0600, 0700) when it is missing. */
  constructor(path: string, patience: Patience = usualPatience) {
    this.#path = path;
    this.#patience = patience;
    this.#db = explained(path, () => patiently(() => openOrCreate(path), patience.lock));
    this.#turns = new Turns(path, patience);
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

  /**
   * Whether it can go on being used: nothing has failed that a fresh look at the file may show to be otherwise, or worse,
   * and no executable of another release has changed its tables meanwhile.
   */
  isSound(): boolean {
    if (this.#isSuspect) return false;
    try {
      return this.read(() => Number(this.get("PRAGMA user_version")?.user_version) === schemaVersion);
    } catch {
      return false;
    }
  }

  /** Runs fn alone, all of it or, when it throws, nothing. */
  write<T>(fn: () => T): T {
    return this.#explained(() => {
      using _turn = this.#turns.take(() => this.#db.exec("BEGIN IMMEDIATE"));
      return this.#finish(fn);
    });
  }

  /** Runs fn, which changes nothing, on one state; again when the state could not be had at once. */
  read<T>(fn: () => T): T {
    return this.#explained(() =>
      patiently(() => {
        this.#db.exec("BEGIN");
        return this.#finish(fn);
      }, this.#patience.lock),
    );
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close();
    this.#turns[Symbol.dispose]();
  }

  #explained<T>(fn: () => T): T {
    try {
      return explained(this.#path, fn);
    } catch (error) {
      this.#isSuspect ||= isFailure(error);
      throw error;
    }
  }

  #finish<T>(fn: () => T): T {
    try {
      const result = fn();
      this.#db.exec("COMMIT");
      return result;
    } catch (error) {
      this.#rollback();
      throw error;
    }
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
