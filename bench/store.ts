import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { computeBlocks } from "../lib/ipam/blocks.ts";
import { openOrCreate } from "../lib/ipam/database-file.ts";
import { openStore, type StoreTx } from "../lib/ipam/store.ts";
import { parseCidr } from "../lib/net/address.ts";
import { time } from "./time.ts";

const usage = `Usage: node bench/store.ts
Times what a verb pays for the state database, on a tmpfs: to open it, its pragmas, a transaction, and to close it, as the
last to have it open or not. Each of 500 rounds; an ADD standalone pays the first of each.`;

const rounds = 500;

async function bench(folder: string): Promise<void> {
  const database = join(folder, "state.db");
  openStore({ database }).close();
  const open = () => new DatabaseSync(`file:${database}?mode=rw`, { timeout: 4 });

  const other = openStore({ database });
  other.read((tx) => tx.attachments());
  await time("open and close, another has it open", rounds, () => open().close());
  const db = open();
  await time("PRAGMA synchronous", rounds, () => db.exec("PRAGMA synchronous = NORMAL"));
  await time("PRAGMA application_id, user_version", rounds, () => {
    db.prepare("PRAGMA application_id").get();
    db.prepare("PRAGMA user_version").get();
  });
  db.close();
  await time("all of it, as a verb opens it", rounds, () => openOrCreate(database).close());
  await time("a lookup", rounds, () =>
    other.read((tx) => tx.find({ network: "n", containerId: "c", ifname: "i" })),
  );
  await time("an ADD's write, and a DEL's, to it open", rounds, () => addAndDelete(other.write));
  await time("the same, opened and closed for each of both", rounds, () =>
    addAndDelete((work) => {
      using store = openStore({ database });
      return store.write(work);
    }),
  );
  other.close();
  await time("the same, the last to close: two checkpoints", rounds, () =>
    addAndDelete((work) => {
      using store = openStore({ database });
      return store.write(work);
    }),
  );
}

const subnets = [parseCidr("192.168.0.0/24")];
const pool = { subnets, interfaceBlock: 0, hostBlock: 0, excludes: [], hostIndex: 0 };
const [[block] = []] = computeBlocks(pool, [0]);

function addAndDelete(write: <T>(work: (tx: StoreTx) => T) => T): void {
  if (block === undefined) throw new Error("the pool has no block");
  const id = write((tx) => {
    const made = tx.insert({
      network: "n",
      containerId: "c",
      ifname: "i",
      owner: "multi-nic",
      netns: "/run/netns/n",
      netnsId: "4:1",
      state: "ready",
      pid: process.pid,
      pidStart: "0",
      plan: "{}",
      created: Date.now(),
    });
    tx.allocate(made, [{ nic: 0, block }], Date.now(), 0);
    return made;
  });
  write((tx) => tx.release(id, Date.now()));
}

if (process.argv.includes("--help") || process.argv.includes("-h")) {
  console.log(usage);
} else {
  const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "mnc-bench-"));
  try {
    await bench(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
