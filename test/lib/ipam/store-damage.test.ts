import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { openStore } from "../../../lib/ipam/store.ts";
import { testFolder } from "./store-fixture.ts";
import { attachment, blockOf } from "./store-records.ts";

/** A database with some hundred leases. */
function written(): string {
  const database = join(testFolder(), "state.db");
  using store = openStore({ database });
  const block = blockOf("10.0.0.0/16");
  store.write((tx) => {
    for (let at = 0; at < 300; at++) tx.allocate(tx.insert(attachment(`c${at}`)), [{ nic: 0, block }], 0);
  });
  return database;
}

/** What any call does: open, read all, write. */
function use(database: string): void {
  using store = openStore({ database });
  store.read((tx) => tx.attachments().map(({ id }) => tx.leasesOf(id)));
  store.write((tx) => tx.insert(attachment("new")));
}

function execute(database: string, sql: string): void {
  const db = new DatabaseSync(database);
  db.exec(sql);
  db.close();
}

describe("a database", () => {
  test("is made with its folder when it is missing, for root alone, and leaves no draft", () => {
    const folder = join(testFolder(), "made");
    const database = join(folder, "state.db");
    use(database);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(database).mode & 0o777).toBe(0o600);
    expect(existsSync(`${database}-wal`)).toBe(false);
  });

  test.each([
    ["that was emptied", (path: string) => truncateSync(path, 0), "is not one of ours"],
    ["that lost its second half", (path: string) => truncateSync(path, 4096 * 8), "is damaged"],
    ["that ends within its first page", (path: string) => truncateSync(path, 1000), "state.db"],
    ["that is another file", (path: string) => writeFileSync(path, "{}".repeat(5000)), "is damaged"],
    ["with pages overwritten", (path: string) => overwrite(path), "is damaged"],
    [
      "of another program",
      (path: string) => execute(path, "PRAGMA application_id = 7"),
      "is not one of ours",
    ],
    ["of a newer release", (path: string) => execute(path, "PRAGMA user_version = 99"), "has version 99"],
  ])("%s is an error naming file and remedy, and stays as it is", (_, spoil, message) => {
    const database = written();
    spoil(database);
    const before = readFileSync(database);
    expect(() => use(database)).toThrow(
      expect.objectContaining({ code: 5, message: expect.stringContaining(message) }),
    );
    expect(() => use(database)).toThrow(/state\.db.*(drain|install)/);
    expect(readFileSync(database).equals(before)).toBe(true);
  });

  test("that cannot be made says so", () => {
    const file = join(testFolder(), "file");
    writeFileSync(file, "");
    expect(() => use(join(file, "state.db"))).toThrow(
      expect.objectContaining({
        code: 5,
        message: expect.stringContaining("cannot be used; see that its folder"),
      }),
    );
  });

  test("that is a folder says so", () => {
    const database = join(testFolder(), "state.db");
    mkdirSync(database);
    expect(() => use(database)).toThrow(
      expect.objectContaining({ code: 5, message: expect.stringContaining("cannot be used") }),
    );
  });

  test("keeps the permissions of a folder that is there", () => {
    const folder = testFolder();
    chmodSync(folder, 0o755);
    use(join(folder, "state.db"));
    expect(statSync(folder).mode & 0o777).toBe(0o755);
  });
});

function overwrite(path: string): void {
  const bytes = readFileSync(path);
  bytes.fill(0x5a, 4096);
  writeFileSync(path, bytes);
}
