import { randomBytes } from "node:crypto";
import {
  mkdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { makeMountNamespace } from "./mounts.ts";

export const database = (folder: string): string => join(folder, "state.db");

export function execute(folder: string, sql: string): void {
  const db = new DatabaseSync(database(folder));
  db.exec(sql);
  db.close();
}

/** The database out of reach while that is done, and then as it was. */
export async function withoutStore(folder: string, call: () => unknown): Promise<void> {
  const away = `${database(folder)}.away`;
  renameSync(database(folder), away);
  mkdirSync(database(folder));
  try {
    await call();
  } finally {
    rmdirSync(database(folder));
    renameSync(away, database(folder));
  }
}

/** Noise in the database from that byte on, of the length that was there. */
function overwrite(folder: string, from: number): void {
  const bytes = readFileSync(database(folder));
  randomBytes(bytes.length - from).copy(bytes, from);
  writeFileSync(database(folder), bytes);
}

export const readOnly = 'mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"';
/** The state folder in a tmpfs that is filled to the last page. */
export const full = `
  mount -t tmpfs -o size=512k tmpfs /mnt
  cp -a "$1/." /mnt
  dd if=/dev/zero of=/mnt/fill bs=4k 2>/dev/null || true
  mount --move /mnt "$1"
`;

/** What happens to the state. Where it takes a mount, it gives a promise of the mount namespace to make the calls in. */
export type Spoil = (folder: string) => unknown;

const drain = /state\.db" .*; drain this node .*, then remove/;
export const room =
  /(state\.db" cannot be used|cannot lock ".*": \w+); see that its folder exists, is writable and has room/;

export const damages: readonly (readonly [string, Spoil, RegExp])[] = [
  ["the database has no bytes", (folder) => truncateSync(database(folder), 0), drain],
  ["the database ends within its first page", (folder) => truncateSync(database(folder), 2048), drain],
  [
    "the database has lost its second half",
    (folder) => truncateSync(database(folder), statSync(database(folder)).size / 2),
    drain,
  ],
  ["the database is noise", (folder) => overwrite(folder, 0), drain],
  ["the database is noise behind its first page", (folder) => overwrite(folder, 4096), drain],
  ["the database has lost tables", (folder) => execute(folder, "DROP TABLE leases; DROP TABLE runs"), drain],
  ["the database is another program's", (folder) => execute(folder, "PRAGMA application_id = 7"), drain],
  [
    "the database is of a newer release",
    (folder) => execute(folder, "PRAGMA user_version = 99"),
    /has version 99, .*; install the executables of one release/,
  ],
  [
    "a folder is in the database's place",
    (folder) => {
      rmSync(database(folder));
      mkdirSync(database(folder));
    },
    room,
  ],
  [
    "a file is in the folder's place",
    (folder) => {
      rmSync(folder, { recursive: true });
      writeFileSync(folder, "");
    },
    /(see that its folder exists|make it a readable file)/,
  ],
  ["the state folder is read-only", (folder) => makeMountNamespace(readOnly, folder), room],
  ["the state folder's disk is full", (folder) => makeMountNamespace(full, folder), room],
];
