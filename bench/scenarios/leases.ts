import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { computeBlocks } from "../../lib/ipam/blocks.ts";
import { openStore } from "../../lib/ipam/store.ts";
import { statePaths } from "../../lib/linux/paths.ts";
import { parseCidr } from "../../lib/net/address.ts";
import { makeBed } from "../bed.ts";
import { type Contestant, daemonContestant, goContestant, standaloneContestant } from "../contestants.ts";
import { byCount, type Measured, measure } from "../measure.ts";
import type { Options } from "../options.ts";

/** A pool of which so many addresses are given out; each has a bed, a store and a daemon of its own, and they alternate. */
export async function leases({ rounds, kind, say }: Options, counts: readonly number[]): Promise<Measured[]> {
  using beds = new DisposableStack();
  const made: Contestant[] = [];
  try {
    for (const count of counts) {
      say(`${count} leases: making them`);
      const bed = beds.use(makeBed());
      const setup = { kind, isLarge: true };
      const each = [
        goContestant(bed, "go", setup),
        standaloneContestant(bed, setup),
        await daemonContestant(bed, setup),
      ];
      fillHostLocal(join(bed.state, "go"), "go-0", count);
      for (const { name } of each.slice(1)) fillStore(join(bed.state, name), count);
      made.push(...each.map((contestant) => ({ ...contestant, name: `${contestant.name}, ${count}` })));
    }
    say("leases: ADD and DEL");
    const measured = await measure({ title: "leases", nics: 1, rounds, contestants: made });
    for (const { resident } of made) resident?.checkServed((rounds + 1) * 2);
    return byCount(measured, counts);
  } finally {
    for (const { resident } of made) await resident?.end();
  }
}

/** Attachments of other pods with an address each, as ADD records them. */
function fillStore(stateDir: string, count: number): void {
  const pool = {
    subnets: [parseCidr("10.0.0.0/8")],
    interfaceBlock: 4,
    hostBlock: 2,
    excludes: [],
    hostIndex: 0,
  };
  const [[block] = []] = computeBlocks(pool, [0]);
  if (block === undefined) throw new Error("the pool has no block");
  using store = openStore(statePaths({ MULTI_NIC_CNI_STATE_DIR: stateDir }));
  store.write((tx) => {
    for (let i = 0; i < count; i++) {
      const id = tx.insert({
        network: "bench",
        containerId: `other${i}`,
        ifname: "net1",
        owner: "multi-nic",
        netns: `/run/netns/other${i}`,
        netnsId: `4:${i}`,
        state: "ready",
        pid: process.pid,
        pidStart: "0",
        plan: JSON.stringify({ links: [] }),
        created: Date.now(),
      });
      tx.allocate(id, [{ nic: 0, block }], Date.now());
    }
  });
}

/** host-local keeps a file for each address, and the last one it gave out. */
function fillHostLocal(dataDir: string, network: string, count: number): void {
  const folder = join(dataDir, network);
  mkdirSync(folder, { recursive: true });
  const address = (i: number) => `10.0.${i >> 8}.${i & 255}`;
  for (let i = 0; i < count; i++) writeFileSync(join(folder, address(i + 2)), `other${i}\r\nnet1`);
  if (count > 0) writeFileSync(join(folder, "last_reserved_ip.0"), address(count + 1));
}
