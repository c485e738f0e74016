import { join } from "node:path";
import { parseArgs } from "node:util";
import { makeBed } from "../../test/live/faults/bed.ts";
import { chooseFaults } from "../../test/live/faults/choose.ts";
import { scenarios } from "../../test/live/faults/scenarios.ts";
import { describeTrial, faultsOf, tryFault } from "../../test/live/faults/sweep.ts";
import { progress } from "./progress.ts";

/*
 * Every system call of multi-nic that lasts, killed or made to fail, one at a time. Prints a table for
 * docs/reliability.md; exit status 1 where something stayed behind.
 */
const { values } = parseArgs({
  options: {
    bin: { type: "string", default: join(import.meta.dirname, "../../dist", `linux-${process.arch}`) },
    plugin: { type: "string", default: "macvlan" },
    /** At most so many faults of each scenario, evenly spread */
    most: { type: "string", default: "1000000" },
    /** Part of a scenario's title */
    only: { type: "string", default: "" },
  },
});
const plugin = values.plugin === "ipvlan" ? { type: "ipvlan", mode: "l3" } : { type: values.plugin };

interface Total {
  readonly title: string;
  readonly points: number;
  readonly tried: number;
  readonly missed: number;
  readonly failed: number;
}

const totals: Total[] = [];
const began = Date.now();
using bed = await makeBed(values.bin, plugin);
for (const scenario of scenarios.filter(({ title }) => title.includes(values.only))) {
  const faults = await faultsOf(bed, scenario);
  const chosen = chooseFaults(faults, Math.min(faults.length, Number(values.most)));
  const total = { title: scenario.title, points: faults.length, tried: 0, missed: 0, failed: 0 };
  for (const fault of chosen) {
    const trial = await tryFault(bed, scenario, fault);
    if (trial.missed) total.missed += 1;
    else total.tried += 1;
    if (trial.problems.length > 0) {
      total.failed += 1;
      progress.say(`FAILED ${scenario.title}: ${describeTrial(trial)}`);
    }
    progress.show(
      `${scenario.title}: ${total.tried + total.missed}/${chosen.length}, ${total.failed} failed`,
    );
  }
  totals.push(total);
  progress.say(`${scenario.title}: ${total.tried} tried, ${total.missed} missed, ${total.failed} failed`);
}
console.log(table(totals));
process.exitCode = totals.every(({ failed }) => failed === 0) ? 0 : 1;

function table(rows: readonly Total[]): string {
  const sum = (key: "points" | "tried" | "missed" | "failed") => rows.reduce((all, row) => all + row[key], 0);
  const all = {
    title: `**all**, ${Math.round((Date.now() - began) / 60_000)} min`,
    points: sum("points"),
    tried: sum("tried"),
    missed: sum("missed"),
    failed: sum("failed"),
  };
  const lines = [...rows, all].map(
    ({ title, points, tried, missed, failed }) =>
      `| ${title} | ${points} | ${tried} | ${missed} | ${failed} |`,
  );
  return [
    "",
    `| four ${values.plugin} NICs, IPv4 and IPv6, source routing | faults | tried | missed | failed |`,
    "|---|---|---|---|---|",
    ...lines,
  ].join("\n");
}
