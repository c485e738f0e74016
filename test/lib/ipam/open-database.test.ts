import { rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { keepDatabasesOpen, openDatabase } from "../../../lib/ipam/open-database.ts";
import { openStore } from "../../../lib/ipam/store.ts";
import { testFolder } from "./store-fixture.ts";
import { attachment } from "./store-records.ts";

keepDatabasesOpen();

const fresh = () => join(testFolder(), "state.db");

describe("a database that stays open", () => {
  test("is one for all calls, and open when they are done", () => {
    const path = fresh();
    const [first, second] = [openDatabase(path), openDatabase(path)];
    expect(second.database).toBe(first.database);
    first.done();
    first.done();
    second.done();
    const third = openDatabase(path);
    expect(third.database).toBe(first.database);
    expect(third.database.read(() => third.database.all("SELECT * FROM networks"))).toEqual([]);
  });

  test("gives way to a new file at its path, and serves to its end the call that began with it", () => {
    const path = fresh();
    using before = openStore({ database: path });
    before.write((tx) => tx.insert(attachment("a")));
    for (const suffix of ["", "-wal", "-shm"]) rmSync(path + suffix, { force: true });
    using after = openStore({ database: path });
    expect(after.read((tx) => tx.attachments())).toEqual([]);
    expect(before.read((tx) => tx.attachments()).map(({ containerId }) => containerId)).toEqual(["a"]);
  });

  test("is refused once it is of another version, and used again when it is of this one", () => {
    const path = fresh();
    openStore({ database: path }).close();
    const setVersion = (version: number) => {
      const behind = new DatabaseSync(path);
      behind.exec(`PRAGMA user_version = ${version}`);
      behind.close();
    };
    setVersion(99);
    expect(() => openStore({ database: path })).toThrow(/has version 99/);
    setVersion(1);
    using store = openStore({ database: path });
    expect(store.read((tx) => tx.attachments())).toEqual([]);
  });
});
