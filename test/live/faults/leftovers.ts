import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Bed } from "./bed.ts";

/** What is there that should not be: links, addresses, routes, rules, records, leases. None is []. */
export const leftovers = (bed: Bed): string[] => [...inKernel(bed), ...inStore(bed.node.stateDir)];

export function inKernel(bed: Bed): string[] {
  const now = bed.state();
  return now === bed.empty ? [] : [`left in the kernel: ${difference(bed.empty, now)}`];
}

/** Attachments and leases in the store, and whatever in it does not hold together. */
export function inStore(stateDir: string): string[] {
  return reading(stateDir, (db) => {
    const rows = (sql: string) => db.prepare(sql).all();
    const attachments = rows("SELECT container_id, ifname, state FROM attachments");
    const leases = rows("SELECT family, address FROM leases");
    return [
      ...attachments.map((row) => `left in the store: attachment ${JSON.stringify(row)}`),
      ...leases.map((row) => `left in the store: lease ${JSON.stringify(row)}`),
      ...unsound(db),
    ];
  });
}

/** The states of the records, by container: "adding" or "ready". */
export const recorded = (stateDir: string): string[] =>
  reading(stateDir, (db) =>
    db
      .prepare("SELECT container_id || ' ' || state AS text FROM attachments")
      .all()
      .map(({ text }) => String(text)),
  );

/** From a copy, journal and all: to read the store itself would repair it, which is for the executables to do. */
function reading(stateDir: string, read: (db: DatabaseSync) => string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), "faults-store-"));
  try {
    if (!existsSync(join(stateDir, "state.db"))) return [];
    cpSync(stateDir, folder, { recursive: true });
    const db = new DatabaseSync(join(folder, "state.db"));
    try {
      return read(db);
    } catch (error) {
      return [`the store cannot be read: ${error}`];
    } finally {
      db.close();
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function unsound(db: DatabaseSync): string[] {
  const verdict = String(db.prepare("PRAGMA integrity_check").get()?.integrity_check);
  const unowned = db
    .prepare("SELECT count(*) AS n FROM leases WHERE attachment NOT IN (SELECT id FROM attachments)")
    .get();
  const problems = verdict === "ok" ? [] : [`integrity_check: ${verdict}`];
  if (unowned?.n !== 0) problems.push("leases without an attachment");
  const [used, runs] = [addressesTaken(db), addressesInRuns(db)];
  if (used.join() !== runs.join()) problems.push(`runs ${runs.join()} for the addresses ${used.join()}`);
  return problems;
}

const texts = (db: DatabaseSync, sql: string): string[] =>
  db
    .prepare(sql)
    .all()
    .map(({ text }) => String(text));

const addressesTaken = (db: DatabaseSync): string[] =>
  texts(
    db,
    `SELECT network || ' ' || address AS text FROM
      (SELECT network, address FROM leases UNION ALL SELECT network, address FROM cooling) ORDER BY text`,
  );

/** Every address of every run, one by one. */
function addressesInRuns(db: DatabaseSync): string[] {
  const rows = db.prepare("SELECT network, first, last FROM runs").all();
  return rows
    .flatMap(({ network, first, last }) => {
      const [from, to] = [BigInt(`0x${first}`), BigInt(`0x${last}`)];
      return Array.from({ length: Number(to - from) + 1 }, (_, at) => {
        const hex = (from + BigInt(at)).toString(16).padStart(String(first).length, "0");
        return `${network} ${hex}`;
      });
    })
    .sort();
}

/** Where two texts part, with what is around it. */
function difference(before: string, now: string): string {
  let at = 0;
  while (before[at] === now[at]) at++;
  return now.slice(Math.max(0, at - 60), at + 120);
}
