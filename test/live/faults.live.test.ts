import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Bed, makeBed } from "./faults/bed.ts";
import { chooseFaults } from "./faults/choose.ts";
import { scenarios } from "./faults/scenarios.ts";
import { describeTrial, faultsOf, type Trial, tryFault } from "./faults/sweep.ts";
import { describeWhere, hasLinkKind, isUml, linkKind, need } from "./kernel.ts";
import { bin } from "./plugin.ts";

const strace = need(
  "strace",
  spawnSync("strace", ["-V"]).status === 0,
  "there is no strace; apt-get install strace",
);

/**
 * Of each scenario, and of every sort of call one; scripts/reliability.sh tries them all. User-Mode Linux is slower by
 * much, and what it adds is ipvlan.
 */
const most = isUml ? 4 : 8;
const plugin = hasLinkKind("ipvlan") ? { type: "ipvlan", mode: "l3" } : { type: "macvlan" };

describeWhere([strace, linkKind("veth")], `four ${plugin.type} NICs: nothing stays behind, where`, () => {
  let bed: Bed;
  const seen = isUml ? undefined : new Set<string>();
  beforeAll(async () => {
    bed = await makeBed(bin, plugin);
  });
  afterAll(() => bed?.[Symbol.dispose]());

  test.for(scenarios)("$title", { timeout: 240_000 }, async (scenario, { annotate }) => {
    const faults = await faultsOf(bed, scenario);
    expect(faults.length).toBeGreaterThan(10);
    const trials: Trial[] = [];
    for (const fault of chooseFaults(faults, most, seen)) trials.push(await tryFault(bed, scenario, fault));
    const missed = trials.filter((trial) => trial.missed).length;
    await annotate(`tried ${trials.length - missed} of ${faults.length} fault points`);
    expect(trials.filter(({ problems }) => problems.length > 0).map(describeTrial)).toEqual([]);
    expect(missed).toBeLessThan(trials.length / 2);
  });
});
