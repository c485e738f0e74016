import { readFileSync } from "node:fs";
import { aligned } from "../../lib/cli/table.ts";
import { type Cluster, ClusterError, type ClusterNetwork } from "../../lib/cluster/cluster.ts";
import { placesOf, sharesOf } from "../../lib/cluster/division.ts";
import { exchanges } from "../../lib/cluster/exchange.ts";
import { nodeFileOf, planHost, renumbering } from "../../lib/cluster/host-plan.ts";
import { parseCluster } from "../../lib/cluster/parse.ts";
import { formatAddress, formatCidr } from "../../lib/net/address.ts";
import type { PlanOptions } from "../command-line.ts";

interface Row {
  readonly network: string;
  readonly host: string;
  readonly hostIndex: number;
  /** The NIC's number in the network, and its addresses on the host */
  readonly nic: number;
  readonly addresses: readonly string[];
  readonly blocks: readonly string[];
}

interface Review {
  readonly rows: readonly Row[];
  /** How much of each network is given out */
  readonly capacity: readonly string[];
  /** What running pods would lose by the new file */
  readonly renumbers: readonly string[];
  /** What of it every host refuses, with pods or without */
  readonly exchanges: readonly string[];
}

/** Prints how a cluster file divides its subnets. The exit code is 1 for a file that is wrong, or renumbers. */
export function review({ file, from, renumber, json }: PlanOptions, print: (text: string) => void): 0 | 1 {
  try {
    const cluster = read(file);
    const made = reviewOf(cluster, from === undefined ? undefined : read(from));
    print(json ? `${JSON.stringify(made)}\n` : textOf(made, renumber));
    return made.renumbers.length > 0 && !renumber ? 1 : 0;
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    print(
      json
        ? `${JSON.stringify({ problems: error.problems })}\n`
        : `${error.problems.map((line) => `${line}\n`).join("")}`,
    );
    return 1;
  }
}

function read(file: string): Cluster {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new ClusterError([`${file}: ${(error as Error).message}`]);
  }
  try {
    return parseCluster(text);
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    throw new ClusterError(error.problems.map((problem) => `${file}: ${problem}`));
  }
}

export function reviewOf(cluster: Cluster, before?: Cluster): Review {
  const rows = cluster.networks.flatMap((network) => {
    const places = placesOf(network, cluster);
    return cluster.hosts.flatMap((host) =>
      sharesOf(network, host, places).map(({ interfaceIndex, addresses, blocks }) => ({
        network: network.name,
        host: host.name,
        hostIndex: host.index,
        nic: interfaceIndex,
        addresses: addresses.map(formatAddress),
        blocks: blocks.map(formatCidr),
      })),
    );
  });
  return {
    rows,
    capacity: cluster.networks.map((network) => capacityOf(network, cluster)),
    renumbers: before === undefined ? [] : renumbersOf(before, cluster),
    exchanges: before === undefined ? [] : exchanges(before, cluster),
  };
}

function capacityOf(network: ClusterNetwork, cluster: Cluster): string {
  const { name, pool } = network;
  const nics = placesOf(network, cluster).length;
  const hosts = 2 ** pool.hostBlock;
  const used = pool.hostBlock === 0 ? "not divided among hosts" : `${cluster.hosts.length} of ${hosts} hosts`;
  const full = pool.hostBlock > 0 && cluster.hosts.length >= hosts ? "; FULL: no host can be added" : "";
  return `${name}: ${used}, ${nics} of ${2 ** pool.interfaceBlock} NICs${full}`;
}

/** Host by host, what pods that run by the old file have addresses of and the new one gives to nobody, or to others. */
function renumbersOf(before: Cluster, after: Cluster): string[] {
  const files = (cluster: Cluster, name: string) => {
    const host = cluster.hosts.find((each) => each.name === name);
    const plans = host === undefined ? [] : planHost(cluster, host, []);
    return new Map(plans.map((plan) => [plan.network.name, nodeFileOf(plan)]));
  };
  return before.hosts.flatMap(({ name }) => {
    const now = files(after, name);
    return [...files(before, name)].flatMap(([network, file]) =>
      renumbering(file, now.get(network)).map((change) => `host ${name}, network ${network}, ${change}`),
    );
  });
}

function textOf({ rows, capacity, renumbers, exchanges }: Review, allowed: boolean): string {
  const cells = rows.map(({ network, host, hostIndex, nic, addresses, blocks }) => [
    network,
    host,
    String(hostIndex),
    String(nic),
    addresses.join(" "),
    blocks.join(" "),
  ]);
  const lines = aligned([["NETWORK", "HOST", "INDEX", "NIC", "ADDRESS", "BLOCK"], ...cells]);
  const change = [
    ...renumbers.map((line) => `renumbers: ${line}`),
    ...exchanges.map((line) => `refused by every host: ${line}`),
  ];
  const remedy =
    renumbers.length > 0 && !allowed
      ? [
          "pods that run there would keep addresses or NICs that are others' by this file: drain the hosts, then --renumber",
        ]
      : [];
  return `${[...lines, ...capacity, ...change, ...remedy].join("\n")}\n`;
}
