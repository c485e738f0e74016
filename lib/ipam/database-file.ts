import { chmodSync, linkSync, mkdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { CniError, ErrorCode } from "../cni/error.ts";
import { isUnopened, startOver } from "./database-error.ts";
import { applicationId, schema, schemaVersion } from "./schema.ts";

/** How long SQLite itself waits for a lock, in milliseconds; patiently() goes on from there. */
const lockTimeout = 4;

/** Opens the file, making it and its folder (0600, 0700) when it is missing. Throws as SQLite and the file system do. */
export function openOrCreate(path: string): DatabaseSync {
  try {
    return open(path);
  } catch (error) {
    if (!isUnopened(error)) throw error;
  }
  create(path);
  return open(path);
}

function open(path: string): DatabaseSync {
  // mode=rw: SQLite would make an empty file in place of a missing one, and take an emptied one for new.
  const db = new DatabaseSync(`file:${escaped(path)}?mode=rw`, { timeout: lockTimeout });
  try {
    db.exec("PRAGMA synchronous = NORMAL");
    checkVersion(path, db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** A path in a URI (https://www.sqlite.org/uri.html). URL would do it, and take 0.1 ms of every verb. */
const escaped = (path: string): string => encodeURI(path).replaceAll("?", "%3F").replaceAll("#", "%23");

function checkVersion(path: string, db: DatabaseSync): void {
  const id = Number(db.prepare("PRAGMA application_id").get()?.application_id);
  const version = Number(db.prepare("PRAGMA user_version").get()?.user_version);
  if (id !== applicationId) {
    throw new CniError(
      ErrorCode.io,
      `state database "${path}" is not one of ours (application_id ${id}); ${startOver(path)}`,
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
  // Two processes may have one number, in PID namespaces of their own.
  const draft = `${path}.${process.pid}.${process.hrtime.bigint()}.new`;
  try {
    build(draft);
    linkSync(draft, path);
  } catch (error) {
    if (!isExisting(error)) throw error; // another process was first: its database is as good
  } finally {
    for (const suffix of ["", "-journal", "-wal", "-shm"]) rmSync(draft + suffix, { force: true });
  }
}

/**
 * To WAL at last: what a full disk keeps in the -wal would be lacking in the file that is linked, and of a checkpoint
 * that fails when the database is closed, SQLite says nothing.
 */
function build(draft: string): void {
  const db = new DatabaseSync(draft);
  try {
    chmodSync(draft, 0o600);
    // The mode stays with the file. docs/adr/0006-state-in-sqlite.md says why it is this one.
    db.exec(`BEGIN; ${schema} COMMIT; PRAGMA journal_mode = WAL;`);
  } finally {
    db.close();
  }
}

function isExisting(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EEXIST";
}
