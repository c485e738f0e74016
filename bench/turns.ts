import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { keepCluster } from "../daemon/cluster/keep.ts";
import { openNetns } from "../lib/linux/netns.ts";
import { statePaths } from "../lib/linux/paths.ts";
import { sendOffThread } from "../lib/netlink/transport.ts";
import { watchNics } from "../lib/nic/watch.ts";
import { v8Flags } from "../scripts/build/exec-argv.ts";
import { clusterText } from "./cluster-text.ts";

const usage = `Usage: node bench/turns.ts [--hosts N] [--nics N]
The longest time that multi-nicd's thread is at work at a stretch (ms of processor; no call is taken meanwhile) for a cluster file of N hosts (1000) with N NICs (8), in a network namespace of its own. Needs root.`;

const { values } = parseArgs({
  options: {
    hosts: { type: "string", default: "1000" },
    nics: { type: "string", default: "8" },
    help: { type: "boolean", short: "h", default: false },
  },
});

/** ms of processor that this thread has had */
function used(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** Prints the longest stretch from now until `done` says so. */
async function stretches(title: string, begin: () => unknown, done: () => boolean): Promise<void> {
  let [last, longest] = [used(), 0];
  let isBegun = false;
  Promise.resolve(begin()).then(() => {
    isBegun = true;
  });
  do {
    await new Promise((resolve) => setTimeout(resolve, 1));
    const now = used();
    longest = Math.max(longest, now - last);
    last = now;
  } while (!isBegun || !done());
  console.log(`${title}: ${longest.toFixed(0)} ms`);
}

async function run(hosts: number, nics: number): Promise<void> {
  const name = `mnc-bench-turns-${process.pid}`;
  const folder = mkdtempSync(join(tmpdir(), "turns-"));
  execFileSync("ip", ["netns", "add", name]);
  const ip = (lines: readonly string[]) =>
    execFileSync("ip", ["-n", name, "-batch", "-"], { input: lines.join("\n") });
  try {
    const numbers = Array.from({ length: nics }, (_, nic) => nic + 1);
    ip(
      numbers.flatMap((n) => [
        `link add eth${n} type veth peer name peer${n}`,
        `link set eth${n} up`,
        `link set peer${n} up`,
        `addr add 10.${n}.0.1/16 dev eth${n}`,
      ]),
    );
    const file = join(folder, "cluster.yaml");
    const write = (moved?: number) => writeFileSync(file, clusterText(hosts, nics, moved));
    write();
    using host = openNetns(`/run/netns/${name}`);
    using watch = await watchNics(host, () => {});
    const paths = statePaths({ MULTI_NIC_CNI_STATE_DIR: folder });
    const options = {
      file,
      node: "h0",
      renumber: false,
      paths,
      counted: (fn: (attachments: () => number) => void) => fn(() => 0),
    };
    const wanted = (hosts - 1) * nics;
    let keeper: Awaited<ReturnType<typeof keepCluster>> | undefined;
    const isWhole = async () => {
      const routes = (await keeper?.status())?.routes.filter(({ state }) => state === "ok");
      return routes?.length === wanted;
    };
    const begin = () =>
      void keepCluster(host, watch, options).then((made) => {
        keeper = made;
      });
    await stretches("reading, and the first sync", begin, () => keeper !== undefined);
    if (!(await isWhole())) throw new Error("the routes are not there");
    const moved = hosts >> 1;
    const via = () => execFileSync("ip", ["-n", name, "-o", "route", "show", "table", "all", "proto", "78"]);
    const after = (ms: number) => {
      const end = performance.now() + ms;
      return () => performance.now() > end;
    };
    await stretches("a file with another host", () => write(moved), after(6_000));
    if (!via().includes(`via 10.1.250.${(moved % 200) + 1} `))
      throw new Error("the routes do not lead there");
    await stretches("the same file again", () => write(moved), after(4_000));
    await stretches(
      "a NIC that goes down and up",
      () => ip(["link set eth1 down", "link set eth1 up"]),
      after(6_000),
    );
    if (!(await isWhole())) throw new Error("the routes have not come back");
    await stretches("showing the routes", async () => JSON.stringify(await keeper?.status()), after(500));
    keeper?.[Symbol.dispose]();
  } finally {
    execFileSync("ip", ["netns", "del", name]);
    rmSync(folder, { recursive: true });
  }
}

if (values.help) console.log(usage);
else if (!process.execArgv.includes("--no-opt")) {
  // As the executable runs it (daemon/residence.ts): what is compiled, and how well, is most of the time.
  const flags = [...v8Flags, "--disable-warning=ExperimentalWarning"];
  execFileSync(process.execPath, [...flags, ...process.argv.slice(1)], { stdio: "inherit" });
} else {
  setFlagsFromString("--sparkplug");
  sendOffThread();
  await run(Number(values.hosts), Number(values.nics));
}
