import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";

const usage = `Usage: node bench/concheck.ts [--pods N] [--concheck FILE] [-- OPTION...]
Times multi-nic-concheck (FILE, else the sources) among N pods (100) with one NIC each, on one switch, in network namespaces
of its own; the options are handed on. Where the kernel's table of neighbours is small for them, that takes its time:
-- --max-time 1200. Needs root.`;

const { values, positionals } = parseArgs({
  options: {
    pods: { type: "string", default: "100" },
    concheck: { type: "string" },
    help: { type: "boolean", short: "h", default: false },
  },
  allowPositionals: true,
});

const prefix = `mnc-bench-concheck-${process.pid}`;
const ip = (words: readonly string[], input = "") => execFileSync("ip", words, { input });

function makePods(count: number): string[] {
  ip(["netns", "add", `${prefix}-fabric`]);
  const names = Array.from({ length: count }, (_, place) => `${prefix}-${place}`);
  for (const name of names) ip(["netns", "add", name]);
  const cables = names.flatMap((name, place) => [
    `link add p${place} type veth peer name net1 netns ${name}`,
    `link set p${place} master rail up`,
  ]);
  const rail = ["link add rail type bridge mcast_snooping 0", "link set rail up"];
  ip(["-n", `${prefix}-fabric`, "-batch", "-"], [...rail, ...cables].join("\n"));
  for (const [place, name] of names.entries())
    ip(["-n", name, "-batch", "-"], `addr add ${addressOf(place)}/16 dev net1\nlink set net1 up\n`);
  return names.map((name, place) => `p${place}=/run/netns/${name},${addressOf(place)}/16`);
}

const addressOf = (place: number) => `10.0.${Math.floor(place / 200)}.${(place % 200) + 1}`;

function removePods(): void {
  const names = ip(["-o", "netns"]).toString().split("\n");
  for (const line of names) {
    const [name = ""] = line.split(" ");
    if (name.startsWith(`${prefix}-`)) ip(["netns", "del", name]);
  }
}

function run(pods: readonly string[]): void {
  const main = join(import.meta.dirname, "../plugins/main.ts");
  const [program, ...before] =
    values.concheck === undefined ? [process.execPath, main, "multi-nic-concheck"] : [values.concheck];
  const args = [...before, "--no-bandwidth", "--json", ...positionals];
  const named = pods.flatMap((pod) => ["--netns", pod]);
  const began = performance.now();
  const { stdout, status } = spawnSync(program ?? "", [...args, ...named], {
    encoding: "utf8",
    maxBuffer: 2 ** 28,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  const { connected, total } = JSON.parse(stdout);
  console.log(`${pods.length} pods: ${connected} of ${total} connected in ${seconds} s, exit code ${status}`);
}

if (values.help) console.log(usage);
else
  try {
    run(makePods(Number(values.pods)));
  } finally {
    removePods();
  }
