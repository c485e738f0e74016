import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { expect, test } from "vitest";
import { CniError } from "../../../lib/cni/error.ts";
import { isAssignable } from "../../../lib/ipam/allocator.ts";
import type { Block } from "../../../lib/ipam/blocks.ts";
import type { Store } from "../../../lib/ipam/store.ts";
import { testFolder, testStore } from "./store-fixture.ts";
import { attachment, blockOf } from "./store-records.ts";

const blocks = [
  blockOf("10.0.0.0/28"),
  blockOf("10.0.0.0/28", ["10.0.0.4/30", "10.0.0.13/32"]), // the first, after a change of its excludes
  blockOf("10.0.0.16/29"), // touches the first: runs go across
  blockOf("fd00::/124", ["fd00::8/126"]),
  blockOf("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff0/124"), // ends with the family
];
const coolDown = 10;

const operation = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ add: fc.nat(blocks.length - 1), nics: fc.integer({ min: 1, max: 4 }) }),
  },
  { weight: 2, arbitrary: fc.record({ release: fc.nat(40) }) },
  { weight: 1, arbitrary: fc.record({ wait: fc.integer({ min: 1, max: 15 }) }) },
);

/** What the store should hold, kept the simplest way. */
interface Model {
  now: number;
  added: number;
  readonly leases: Map<string, string[]>;
  /** When each address was released last. */
  readonly released: Map<string, number>;
}

const keyOf = (family: number, value: bigint) => `${family}:${value}`;

test("any course of leases and releases keeps every promise", { timeout: 120_000 }, () => {
  const folder = testFolder();
  let courses = 0;
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 80, size: "max" }), (operations) => {
      courses += 1;
      const of = join(folder, String(courses));
      const store = testStore(of);
      const model: Model = { now: 0, added: 0, leases: new Map(), released: new Map() };
      for (const each of operations) {
        if ("add" in each) add(store, model, blocks[each.add] ?? never(), each.nics);
        else if ("release" in each) releaseOne(store, model, each.release);
        else model.now += each.wait * 1000;
      }
      expectRuns(join(of, "state.db"), model);
      store.close();
    }),
    { numRuns: 100 },
  );
});

function add(store: Store, model: Model, block: Block, nics: number): void {
  const name = `c${model.added++}`;
  const taken = new Set([...model.leases.values()].flat());
  const free = addressesOf(block).filter((key) => !taken.has(key));
  const requests = Array.from({ length: nics }, (_, nic) => ({ nic, block }));
  try {
    const leases = store.write((tx) =>
      tx.allocate(tx.insert(attachment(name)), requests, model.now, coolDown),
    );
    const given = leases.map(({ address }) => keyOf(address.family, address.value));
    expect(new Set(given).size).toBe(nics);
    for (const key of given) {
      expect(free).toContain(key); // not taken, not reserved, not excluded
      expectCooled(model, key, free);
    }
    model.leases.set(name, given);
  } catch (error) {
    if (!(error instanceof CniError) || error.code !== 104) throw error;
    expect(free.length).toBeLessThan(nics);
  }
}

/** Only when no address was free for long enough may one go out before its time, and then the oldest. */
function expectCooled(model: Model, key: string, free: string[]): void {
  const age = (one: string) => model.now - (model.released.get(one) ?? Number.NEGATIVE_INFINITY);
  free.sort((a, b) => age(b) - age(a));
  if (age(key) < coolDown * 1000) expect(age(key)).toBe(age(free[0] ?? never()));
  free.splice(free.indexOf(key), 1);
}

function releaseOne(store: Store, model: Model, at: number): void {
  const names = [...model.leases.keys()];
  const name = names[at % Math.max(names.length, 1)];
  if (name === undefined) return;
  store.write((tx) => tx.release(tx.find(attachment(name))?.id ?? never(), model.now));
  for (const key of model.leases.get(name) ?? []) model.released.set(key, model.now);
  model.leases.delete(name);
}

/** The runs are the leases and what cools down, joined wherever they touch. */
function expectRuns(path: string, model: Model): void {
  const db = new DatabaseSync(path);
  const held = db
    .prepare(
      "SELECT family, address FROM leases UNION ALL SELECT family, address FROM cooling ORDER BY family, address",
    )
    .all()
    .map((row) => ({ family: Number(row.family), value: BigInt(`0x${row.address}`) }));
  const runs: { family: number; first: bigint; last: bigint }[] = [];
  for (const { family, value } of held) {
    const run = runs.at(-1);
    if (run?.family === family && run.last + 1n === value) run.last = value;
    else runs.push({ family, first: value, last: value });
  }
  const stored = db
    .prepare("SELECT family, first, last FROM runs ORDER BY family, first")
    .all()
    .map((row) => ({
      family: Number(row.family),
      first: BigInt(`0x${row.first}`),
      last: BigInt(`0x${row.last}`),
    }));
  expect(stored).toEqual(runs);
  const leased = db.prepare("SELECT family, address FROM leases").all();
  db.close();
  expect(leased.map((row) => keyOf(Number(row.family), BigInt(`0x${row.address}`))).sort()).toEqual(
    [...model.leases.values()].flat().sort(),
  );
}

function addressesOf(block: Block): string[] {
  const size = Number(block.last - block.first) + 1;
  return Array.from({ length: size }, (_, at) => block.first + BigInt(at))
    .filter((value) => isAssignable(block, value))
    .map((value) => keyOf(block.family, value));
}

function never(): never {
  throw new Error("not in this test");
}
