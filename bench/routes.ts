import { execFileSync } from "node:child_process";
import { parseArgs } from "node:util";
import { wantedOf } from "../daemon/cluster/keep.ts";
import { localNics } from "../daemon/cluster/local-nics.ts";
import { readOurs, reconcile } from "../daemon/routes/reconcile.ts";
import type { Cluster } from "../lib/cluster/cluster.ts";
import { planHost } from "../lib/cluster/host-plan.ts";
import { parseCluster } from "../lib/cluster/parse.ts";
import { openNetns } from "../lib/linux/netns.ts";
import { formatAddress } from "../lib/net/address.ts";
import { surveyNics } from "../lib/nic/survey.ts";
import { clusterText } from "./cluster-text.ts";

const usage = `Usage: node bench/routes.ts [--hosts N] [--nics N] [--rounds N]
Times what multi-nicd does for a cluster of N hosts (1000) with N NICs (8), in a network namespace of its own: reading the
file, planning, the first sync of the host routes, one host's change, and a look at all of it. Needs root.`;

const { values } = parseArgs({
  options: {
    hosts: { type: "string", default: "1000" },
    nics: { type: "string", default: "8" },
    rounds: { type: "string", default: "10" },
    help: { type: "boolean", short: "h", default: false },
  },
});

async function run(hosts: number, nics: number, rounds: number): Promise<void> {
  const name = `mnc-bench-routes-${process.pid}`;
  execFileSync("ip", ["netns", "add", name]);
  try {
    const lines = Array.from({ length: nics }, (_, nic) => [
      `link add eth${nic + 1} type veth peer name peer${nic + 1}`,
      `link set eth${nic + 1} up`,
      `link set peer${nic + 1} up`,
      `addr add 10.${nic + 1}.0.1/16 dev eth${nic + 1}`,
    ]);
    execFileSync("ip", ["-n", name, "-batch", "-"], { input: lines.flat().join("\n") });
    using host = openNetns(`/run/netns/${name}`);
    const { netlink } = host;
    const planned = async (cluster: Cluster) => {
      const own = cluster.hosts[0];
      if (own === undefined) throw new Error("no host");
      const addresses = new Set(own.nics.flat().map(formatAddress));
      const nics = await surveyNics({ netlink, sys: "/sys" }, { addresses });
      return wantedOf(planHost(cluster, own, localNics(nics, addresses)));
    };
    const texts = [clusterText(hosts, nics), clusterText(hosts, nics, hosts >> 1)] as const;
    const [cluster, changed] = [parseCluster(texts[0]), parseCluster(texts[1])];
    await time("reading and checking the file", rounds, () => parseCluster(texts[0]));
    await time("planning", rounds, () => planned(cluster));
    const wanted = [await planned(cluster), await planned(changed)] as const;
    const none = { routes: [], rules: [] };
    let changes = 0;
    await time(
      `first sync, ${wanted[0].routes.length} routes`,
      rounds,
      async () => {
        ({ changes } = await reconcile(netlink, wanted[0], none));
      },
      () => reconcile(netlink, none, wanted[0]),
    );
    console.log(`  ${changes} requests`);
    await reconcile(netlink, wanted[0], none);
    let now = 0;
    await time("one host's change, planned and carried out", rounds, async () => {
      const from = wanted[now % 2 === 0 ? 0 : 1];
      now++;
      ({ changes } = await reconcile(netlink, await planned(now % 2 === 0 ? cluster : changed), from));
    });
    console.log(`  ${changes} requests`);
    await time("a look at all that is there", rounds, () => readOurs(netlink));
  } finally {
    execFileSync("ip", ["netns", "del", name]);
  }
}

async function time(
  title: string,
  rounds: number,
  work: () => unknown,
  after?: () => unknown,
): Promise<void> {
  const wall: number[] = [];
  const cpu: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const [began, used] = [performance.now(), process.cpuUsage()];
    await work();
    wall.push(performance.now() - began);
    const { user, system } = process.cpuUsage(used);
    cpu.push((user + system) / 1000);
    await after?.();
  }
  console.log(`${title}: median ${medianOf(wall)} ms, of processors ${medianOf(cpu)} ms`);
}

function medianOf(samples: readonly number[]): string {
  return ([...samples].sort((a, b) => a - b)[samples.length >> 1] ?? 0).toFixed(1);
}

if (values.help) console.log(usage);
else await run(Number(values.hosts), Number(values.nics), Number(values.rounds));
