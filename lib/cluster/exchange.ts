import { type Cidr, formatAddress, formatCidr, type IpAddress, overlaps } from "../net/address.ts";
import type { Cluster, ClusterHost, ClusterNetwork } from "./cluster.ts";
import { placesOf } from "./division.ts";

/**
 * What of a file no host may take while the one before is in force, whether it has pods or not: by it a block becomes
 * another host's, or another NIC's of its host, and no host can see whether the pods of that block are gone. Where one
 * took it and another, which has pods, did not, addresses would be there twice, or routes lead astray. A line each.
 */
export function exchanges(before: Cluster, after: Cluster): string[] {
  const names = new Set([...before.hosts, ...after.hosts].map(({ name }) => name));
  // A host that is alone sees its own pods.
  if (names.size < 2) return [];
  return [
    ...givenOn(before.hosts, after.hosts),
    ...after.networks.flatMap((network) => {
      const was = before.networks.find(({ name }) => name === network.name);
      if (was === undefined) return [];
      return [...dividedAnew(was, network), ...turned(was, before, network, after)];
    }),
  ];
}

const unseen = "and no host can see whether another has pods by what was";

/** A host that has left the file has none of its blocks any more. */
function givenOn(before: readonly ClusterHost[], after: readonly ClusterHost[]): string[] {
  const stayed = new Set(after.map(({ name }) => name));
  const holders = new Map(after.map(({ index, name }) => [index, name]));
  return before.flatMap(({ name, index }) => {
    const holder = holders.get(index);
    if (holder === undefined || holder === name || !stayed.has(name)) return [];
    return [
      `hosts: ${holder} would have index ${index}, which is that of ${name}, ${unseen}; ${remedy(`host ${name}`)}`,
    ];
  });
}

function dividedAnew({ pool: was }: ClusterNetwork, { name, pool }: ClusterNetwork): string[] {
  const hasOtherBits = was.interfaceBlock !== pool.interfaceBlock || was.hostBlock !== pool.hostBlock;
  const isOther = (a: Cidr, b: Cidr) => overlaps(a, b) && (hasOtherBits || formatCidr(a) !== formatCidr(b));
  const subnet = was.subnets.find((each) => pool.subnets.some((now) => isOther(each, now)));
  if (subnet === undefined) return [];
  return [
    `network ${name}: ${formatCidr(subnet)} would be divided in another way, ${unseen}; ${remedy(`network ${name}`)}`,
  ];
}

/** Of masterNets that are others all hosts' NICs may have other numbers: the first one is said. */
function turned(was: ClusterNetwork, before: Cluster, network: ClusterNetwork, after: Cluster): string[] {
  if (!network.routed) return [];
  const [old, places] = [placesOf(was, before), placesOf(network, after)];
  const known = new Map(before.hosts.map((host) => [host.name, host]));
  for (const { name, nics } of after.hosts)
    for (const [number, place] of places.entries())
      for (const address of nics[place] ?? []) {
        const then = old.findIndex((each) => known.get(name)?.nics[each]?.some((it) => isSame(it, address)));
        if (then < 0 || then === number) continue;
        return [
          `network ${network.name}, host ${name}: ${formatAddress(address)} would be NIC ${number} in place of NIC ${then}, ${unseen}; ${remedy(`host ${name}, or network ${network.name},`)}`,
        ];
      }
  return [];
}

const isSame = (a: IpAddress, b: IpAddress): boolean => a.family === b.family && a.value === b.value;

const remedy = (what: string) =>
  `once it has none, take ${what} out of the file, and then put it in again as it is to be; or start every host's multi-nicd with --renumber`;
