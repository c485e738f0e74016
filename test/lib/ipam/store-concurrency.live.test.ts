import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { openStore } from "../../../lib/ipam/store.ts";
import { formatAddress } from "../../../lib/net/address.ts";
import { testFolder } from "./store-fixture.ts";

const program = join(import.meta.dirname, "allocating-process.ts");
const run = promisify(execFile);

test("eight processes at once never get one address twice, nor fail for a lock", {
  timeout: 60_000,
}, async () => {
  // None of them finds a database: they make it at once, too.
  const database = join(testFolder(), "state", "state.db");
  const names = ["a", "b", "c", "d", "e", "f", "g", "h"];
  const outputs = await Promise.all(
    names.map((name) => run(process.execPath, [program, database, name, "50"])),
  );
  const kept = outputs.flatMap(({ stdout }): string[] => JSON.parse(stdout).kept);
  expect(kept).toHaveLength(8 * 34);
  expect(new Set(kept).size).toBe(kept.length);
  using store = openStore({ database });
  const recorded = store.read((tx) => tx.attachments("net").flatMap(({ id }) => tx.leasesOf(id)));
  expect(recorded.map(({ address }) => formatAddress(address)).sort()).toEqual(kept.sort());
});

test("processes that are killed leave a sound database, and none of its promises broken", {
  timeout: 60_000,
}, async () => {
  const database = join(testFolder(), "state.db");
  openStore({ database }).close();
  for (let round = 0; round < 6; round++) {
    const children = ["a", "b"].map((name) =>
      spawn(process.execPath, [program, database, `${name}${round}`, "100000"], {
        stdio: ["ignore", "pipe", "inherit"],
      }),
    );
    await Promise.all(children.map((child) => once(child.stdout, "data")));
    await sleep(20 + round * 17);
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(children.map((child) => child.exitCode ?? child.signalCode ?? once(child, "exit")));
  }
  using store = openStore({ database });
  expect(store.read((tx) => tx.attachments()).length).toBeGreaterThan(11);
  const db = new DatabaseSync(database);
  expect(db.prepare("PRAGMA integrity_check").all()).toEqual([{ integrity_check: "ok" }]);
  const orphans = "SELECT count(*) AS n FROM leases WHERE attachment NOT IN (SELECT id FROM attachments)";
  expect(db.prepare(orphans).get()).toEqual({ n: 0 });
  db.close();
});
