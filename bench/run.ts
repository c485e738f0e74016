import { parseArgs } from "node:util";
import { makeBed } from "./bed.ts";
import { goCalls, oursCalls, versionCalls } from "./calls.ts";
import { type Measured, measure } from "./measure.ts";
import { printTable } from "./table.ts";

const usage = `Usage: node bench/run.ts [--rounds N] [--nics 1,2,4,8] [--json]
Times our executables beside Debian's Go plugins (macvlan + host-local, one network after another, as Multus calls
them), on veth masters in a network namespace of its own: alternating, medians and 90th percentiles, and ratios.
Needs root, ./build.sh, and scripts/install-packages.sh bench.
  --rounds N   how often each is called (30)
  --nics LIST  numbers of NICs (1,2,4,8)
  --json       one JSON document instead of the table`;

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "30" },
    nics: { type: "string", default: "1,2,4,8" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});

if (values.help) {
  console.log(usage);
} else {
  run(Number(values.rounds), values.nics.split(",").map(Number), values.json);
}

function run(rounds: number, nics: readonly number[], json: boolean): void {
  if (
    !Number.isInteger(rounds) ||
    rounds < 1 ||
    nics.some((count) => !Number.isInteger(count) || count < 1)
  ) {
    console.error(`--rounds and --nics take whole numbers from 1 on\n${usage}`);
    process.exitCode = 64;
    return;
  }
  using bed = makeBed(Math.max(...nics));
  const results: Measured[] = [];
  const say = (text: string) => process.stderr.write(`${text}\n`);
  say("VERSION");
  results.push(measure("VERSION", rounds, versionCalls(bed)));
  for (const count of nics) {
    say(`ADD and DEL, ${count} ${count === 1 ? "NIC" : "NICs"}`);
    const go = goCalls(bed, count);
    const ours = oursCalls(bed, count);
    results.push(measure(`${count}`, rounds, { go, ours }));
  }
  console.log(json ? JSON.stringify({ rounds, results }, null, 2) : printTable(rounds, results));
}
