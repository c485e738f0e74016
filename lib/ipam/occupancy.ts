import type { Occupied } from "./allocator.ts";
import type { Database, Row } from "./database.ts";
import type { Range } from "./range.ts";

/** The addresses of one network and family in the database. */
export interface Scope {
  readonly db: Database;
  /** networks.id */
  readonly network: number;
  readonly family: 4 | 6;
}

/** An address as the database has it: schema.ts. */
export function toHex(family: 4 | 6, value: bigint): string {
  return value.toString(16).padStart(family === 4 ? 8 : 32, "0");
}

export function fromHex(text: unknown): bigint {
  return BigInt(`0x${String(text)}`);
}

/** What is leased or cooling, read from the table `runs`: one indexed lookup a call. */
export function occupied(scope: Scope): Occupied {
  return {
    runContaining(address) {
      const run = lastRunUpTo(scope, address);
      return run !== undefined && run.last >= address ? run : undefined;
    },
  };
}

/** Marks a free address occupied, joining the runs on either side of it. */
export function occupy(scope: Scope, address: bigint): void {
  const before = lastRunUpTo(scope, address);
  const after = runAt(scope, address + 1n);
  const last = after?.last ?? address;
  if (after !== undefined) deleteRun(scope, after.first);
  if (before !== undefined && before.last === address - 1n) setLast(scope, before.first, last);
  else insertRun(scope, { first: address, last });
}

/** Marks an occupied address free, shortening or splitting its run. */
export function vacate(scope: Scope, address: bigint): void {
  const run = occupied(scope).runContaining(address);
  if (run === undefined) return;
  if (run.first === address) deleteRun(scope, run.first);
  else setLast(scope, run.first, address - 1n);
  if (run.last > address) insertRun(scope, { first: address + 1n, last: run.last });
}

function lastRunUpTo({ db, network, family }: Scope, address: bigint): Range | undefined {
  return toRange(
    db.get(
      "SELECT first, last FROM runs WHERE network = ? AND family = ? AND first <= ? ORDER BY first DESC LIMIT 1",
      network,
      family,
      toHex(family, address),
    ),
  );
}

function runAt({ db, network, family }: Scope, first: bigint): Range | undefined {
  return toRange(
    db.get(
      "SELECT first, last FROM runs WHERE network = ? AND family = ? AND first = ?",
      network,
      family,
      toHex(family, first),
    ),
  );
}

function insertRun({ db, network, family }: Scope, { first, last }: Range): void {
  db.run(
    "INSERT INTO runs (network, family, first, last) VALUES (?, ?, ?, ?)",
    network,
    family,
    toHex(family, first),
    toHex(family, last),
  );
}

function setLast({ db, network, family }: Scope, first: bigint, last: bigint): void {
  db.run(
    "UPDATE runs SET last = ? WHERE network = ? AND family = ? AND first = ?",
    toHex(family, last),
    network,
    family,
    toHex(family, first),
  );
}

function deleteRun({ db, network, family }: Scope, first: bigint): void {
  db.run(
    "DELETE FROM runs WHERE network = ? AND family = ? AND first = ?",
    network,
    family,
    toHex(family, first),
  );
}

function toRange(row: Row | undefined): Range | undefined {
  return row === undefined ? undefined : { first: fromHex(row.first), last: fromHex(row.last) };
}
