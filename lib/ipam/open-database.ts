import { fileId } from "../linux/file-id.ts";
import { processWide } from "../linux/process-wide.ts";
import { Database } from "./database.ts";
import { patienceOfMany } from "./database-turn.ts";

interface Keeping {
  /** Databases that stay open from call to call, by their paths; undefined where each call opens its own. */
  kept: Map<string, Kept> | undefined;
}

/** Of all copies of this module: what opens a database has another than what says that it is to stay open. */
const keeping = processWide<Keeping>("ipam.databases", () => ({ kept: undefined }));

interface Kept {
  readonly database: Database;
  /** Of the file that was opened: another may come to lie at its path. */
  readonly id: string | undefined;
  users: number;
}

/** A database for one call, which says when it is done with it. */
export interface Opened {
  readonly database: Database;
  readonly done: () => void;
}

/**
 * From now on a database stays open once it was opened, until its file is replaced or of another version, or a statement
 * fails for more than a lock. That is for a process that stays: it saves each call the opening, and the checkpoint of the
 * last to close.
 */
export function keepDatabasesOpen(): void {
  keeping.kept ??= new Map();
}

/** The database of that path. Throws CniError. */
export function openDatabase(path: string): Opened {
  if (keeping.kept !== undefined) return use(keeping.kept, path);
  const database = new Database(path);
  return { database, done: () => database.close() };
}

function use(all: Map<string, Kept>, path: string): Opened {
  const known = all.get(path);
  const current =
    known !== undefined && known.id === fileId(path) && known.database.isSound()
      ? known
      : replace(all, path, known);
  let isDone = false;
  current.users++;
  const done = () => {
    if (isDone) return;
    isDone = true;
    current.users--;
    if (all.get(path) !== current) closeUnused(current);
  };
  return { database: current.database, done };
}

function replace(all: Map<string, Kept>, path: string, old: Kept | undefined): Kept {
  if (old !== undefined) {
    all.delete(path);
    closeUnused(old);
  }
  const database = new Database(path, patienceOfMany);
  const fresh: Kept = { database, id: fileId(path), users: 0 };
  all.set(path, fresh);
  return fresh;
}

/** Calls that began with it end with it, though its file is another by now. */
function closeUnused({ database, users }: Kept): void {
  if (users === 0) database.close();
}
