import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { beforeAll, describe, expect, test } from "vitest";
import { Turns } from "../../../lib/ipam/database-turn.ts";
import { loadAddon } from "../../../lib/linux/addon.ts";
import { testFolder } from "./store-fixture.ts";

const long = 600_000;
const patience = { turn: long, lock: long, again: 1 };

/** What SQLite throws of a database that another connection writes. */
function locked(): never {
  const file = join(testFolder(), "locked.db");
  using writer = new DatabaseSync(file);
  writer.exec("BEGIN EXCLUSIVE");
  using other = new DatabaseSync(file, { timeout: 0 });
  other.exec("BEGIN IMMEDIATE");
  throw new Error("it was not locked");
}

/** A begin of which the first `times` tries find the database locked. */
function lockedFor(times: number): { begin: () => void; tries: () => number } {
  let tries = 0;
  const begin = () => {
    tries++;
    if (tries <= times) locked();
  };
  return { begin, tries: () => tries };
}

const nothing = () => undefined;

describe("writers take turns", () => {
  // A process that has not loaded it yet tries without, once.
  beforeAll(() => void loadAddon("netns"));

  test("and the next one's comes when one's is over", () => {
    const database = join(testFolder(), "state.db");
    using first = new Turns(database, patience);
    using second = new Turns(database, patience);
    for (const turns of [first, second, first]) turns.take(nothing)[Symbol.dispose]();
  });

  test("also when what begins it fails", () => {
    const database = join(testFolder(), "state.db");
    using first = new Turns(database, patience);
    using second = new Turns(database, patience);
    const fail = () => {
      throw new Error("no disk");
    };
    expect(() => first.take(fail)).toThrow("no disk");
    second.take(nothing)[Symbol.dispose]();
  });

  test("but pass by one who does not end, once they have waited long enough", () => {
    const database = join(testFolder(), "state.db");
    using first = new Turns(database, patience);
    using _turn = first.take(nothing);
    using second = new Turns(database, { ...patience, turn: 1 });
    second.take(nothing)[Symbol.dispose]();
  });

  test("and go on without, where the file of locks cannot be had", () => {
    const folder = testFolder();
    mkdirSync(join(folder, "locks"));
    using turns = new Turns(join(folder, "state.db"), patience);
    turns.take(nothing)[Symbol.dispose]();
  });

  test("and look again as long as one who is not in the queue has the database", () => {
    const { begin, tries } = lockedFor(3);
    using turns = new Turns(join(testFolder(), "state.db"), patience);
    turns.take(begin)[Symbol.dispose]();
    expect(tries()).toBe(4);
  });

  test("and are not as patient again after they were so in vain, until they were not", () => {
    using turns = new Turns(join(testFolder(), "state.db"), { turn: long, lock: 1, again: 0 });
    const never = lockedFor(Number.POSITIVE_INFINITY);
    expect(() => turns.take(never.begin)).toThrow("database is locked");
    const before = never.tries();
    expect(() => turns.take(never.begin)).toThrow("database is locked");
    expect(before).toBeGreaterThan(1);
    turns.take(nothing)[Symbol.dispose]();
  });
});
