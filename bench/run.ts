import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { Kind } from "./contestants.ts";
import { hasGo, newerGo } from "./contestants.ts";
import { plot } from "./plot.ts";
import { type Results, runScenarios, type Scenario, scenarios, usual } from "./run-scenarios.ts";
import { printTables } from "./table.ts";

const usage = `Usage: node bench/run.ts [--only LIST] [--rounds N] [--nics LIST] [--json] [--plot FILE] [--from FILE]
Times our executables, with a daemon and without, beside Debian's Go plugins (macvlan + host-local, one network after
another, as Multus calls them), on veth masters in network namespaces of its own: in turns, medians and 90th
percentiles, and ratios. Needs root, cc, ./build.sh, scripts/install-packages.sh bench, and bench/go-newer.sh for the
newer Go plugins, which are left out else.
  --only LIST   scenarios, of: ${Object.keys(scenarios).join(", ")} (${usual.join(",")})
                nics    a pod with 1, 2, 4, 8 networks, with CPU time and memory
                burst   50 pods at once
                leases  pools of which 0, 1,000, 60,000 addresses are given out
                links   hosts with 10 and 1,000 links
                ipvlan  nics with ipvlan, in the test kernel (10 minutes)
                soak    the daemon's memory after 20,000 ADDs and DELs (10 minutes)
  --rounds N    how often each is called (30)
  --nics LIST   numbers of NICs, up to 8 (1,2,4,8)
  --kind KIND   macvlan or ipvlan (macvlan)
  --json        one JSON document instead of the tables
  --plot FILE   also draws latency over the number of NICs, as SVG
  --from FILE   measures nothing: prints, or draws, what an earlier run printed with --json`;

class UsageError extends Error {}

const options = {
  only: { type: "string", default: usual.join(",") },
  rounds: { type: "string", default: "30" },
  nics: { type: "string", default: "1,2,4,8" },
  kind: { type: "string", default: "macvlan" },
  json: { type: "boolean", default: false },
  plot: { type: "string" },
  from: { type: "string" },
  help: { type: "boolean", short: "h", default: false },
} as const;

try {
  const { values } = parsed();
  if (values.help) console.log(usage);
  else {
    const results: Results =
      values.from === undefined ? await measured(values) : JSON.parse(readFileSync(values.from, "utf8"));
    console.log(values.json ? JSON.stringify(results, null, 1) : printTables(results));
    if (values.plot !== undefined) writeFileSync(values.plot, plot(results.nics ?? []));
  }
} catch (error) {
  const isUsage = error instanceof UsageError;
  console.error(`bench: ${(error as Error).message}${isUsage ? `\n${usage}` : ""}`);
  process.exitCode = isUsage ? 64 : 1;
}

function parsed() {
  try {
    return parseArgs({ options });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

async function measured(values: {
  only: string;
  rounds: string;
  nics: string;
  kind: string;
}): Promise<Results> {
  const names = values.only.split(",");
  const unknown = names.find((name) => !(name in scenarios));
  if (unknown !== undefined) throw new UsageError(`--only: "${unknown}" is not a scenario`);
  if (values.kind !== "macvlan" && values.kind !== "ipvlan")
    throw new UsageError(`--kind: "${values.kind}" is not macvlan or ipvlan`);
  const kind: Kind = values.kind;
  const rounds = whole("--rounds", values.rounds, 10_000);
  const counts = values.nics.split(",").map((count) => whole("--nics", count, 8));
  const newer = hasGo(newerGo, kind);
  if (!newer)
    console.error(
      `bench: without the Go plugins of Debian's newer release; for them, run: bench/go-newer.sh`,
    );
  return runScenarios(names as Scenario[], { rounds, counts, kind, newer, say });
}

function whole(option: string, text: string, most: number): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= 1 && number <= most) return number;
  throw new UsageError(`${option}: "${text}" is not a whole number from 1 to ${most}`);
}

/** One line that changes, on a terminal. */
function say(text: string): void {
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${text}` : `${text}\n`);
}
