import { CniError } from "../cni/error.ts";
import { checkPool, computeBlocks } from "../ipam/blocks.ts";
import { containsAddress, formatAddress, formatCidr, type IpAddress, overlaps } from "../net/address.ts";
import type { Cluster, ClusterHost, ClusterNetwork } from "./cluster.ts";
import { placesOf } from "./division.ts";

/** What contradicts itself in a cluster, a line each; nothing where it can be carried out. */
export function checkCluster(cluster: Cluster): string[] {
  return [
    ...twice(
      "networks",
      "name",
      cluster.networks.map(({ name }) => name),
    ),
    ...twice(
      "hosts",
      "name",
      cluster.hosts.map(({ name }) => name),
    ),
    ...twice(
      "hosts",
      "index",
      cluster.hosts.map(({ index }) => String(index)),
    ),
    ...twice(
      "hosts",
      "address",
      cluster.hosts.flatMap(({ nics }) => nics.flat().map(formatAddress)),
    ),
    ...overlappingNetworks(cluster.networks),
    ...cluster.networks.flatMap((network) => {
      const places = placesOf(network, cluster);
      return [
        ...overlappingHosts(network, cluster),
        ...undivided(network, cluster),
        ...blocksFor(network, cluster, places),
        ...nicsOf(network, cluster, places),
        ...strayed(network, cluster, places),
        ...unroutable(network, cluster, places),
      ];
    }),
  ];
}

function twice(list: string, field: string, values: readonly string[]): string[] {
  const seen = new Set<string>();
  const repeated = values.filter((value) => seen.size === seen.add(value).size);
  return [...new Set(repeated)].map(
    (value) => `${list}: ${field} ${value} is there twice; each has to have its own`,
  );
}

function overlappingNetworks(networks: readonly ClusterNetwork[]): string[] {
  return networks.flatMap((network, i) =>
    networks
      .slice(i + 1)
      .flatMap((other) =>
        network.pool.subnets.flatMap((subnet) =>
          other.pool.subnets
            .filter((theirs) => overlaps(subnet, theirs))
            .map(
              (theirs) =>
                `networks: ${network.name} has ${formatCidr(subnet)} and ${other.name} ${formatCidr(theirs)}, which overlap: ` +
                "pods of the two would have the same addresses; take others for one of them",
            ),
        ),
      ),
  );
}

/** A pod's address that is a host's too, or in the hosts' network, is not reached through the pod's NIC. */
function overlappingHosts({ name, pool }: ClusterNetwork, { networks, hosts }: Cluster): string[] {
  const nets = networks.flatMap((of) => of.masterNets.map((net) => ({ of, net })));
  return pool.subnets.flatMap((subnet) => {
    const shared = nets.find(({ net }) => overlaps(net, subnet));
    if (shared !== undefined)
      return [
        `network ${name}: ${formatCidr(subnet)} overlaps ${formatCidr(shared.net)}, which is the hosts' (masterNets of ${shared.of.name}); take another subnet`,
      ];
    for (const host of hosts) {
      const address = host.nics.flat().find((each) => containsAddress(subnet, each));
      if (address === undefined) continue;
      return [
        `network ${name}: ${formatCidr(subnet)} has ${formatAddress(address)} in it, an address of host ${host.name}; take another subnet`,
      ];
    }
    return [];
  });
}

function undivided({ name, pool }: ClusterNetwork, { hosts }: Cluster): string[] {
  if (pool.hostBlock > 0 || hosts.length < 2) return [];
  const bits = Math.max(1, Math.ceil(Math.log2(highestOf(hosts) + 1)));
  return [
    `network ${name}: ipam.hostBlock 0 gives each of its ${hosts.length} hosts the same block of a NIC, and pods of two the same address; make it at least ${bits}`,
  ];
}

const highestOf = (hosts: readonly ClusterHost[]): number =>
  hosts.reduce((most, { index }) => Math.max(most, index), 0);

/**
 * Every host's index has to be one that hostBlock has bits for, and each of its blocks has to have addresses that are
 * not excluded. Of the blocks that ADD would fail for, the first is said.
 */
function blocksFor({ name, pool }: ClusterNetwork, { hosts }: Cluster, places: readonly number[]): string[] {
  const highest = highestOf(hosts);
  const tooHigh = refusal(() => checkPool({ ...pool, hostIndex: highest }));
  if (tooHigh !== undefined) {
    const host = hosts.find(({ index }) => index === highest);
    return [`network ${name}, host ${host?.name ?? "(none)"}: ${tooHigh}`];
  }
  if (pool.excludes.length === 0) return [];
  const most = 2 ** pool.interfaceBlock;
  const refused = hosts.flatMap((host) =>
    places.slice(0, most).flatMap((place, interfaceIndex) => {
      if ((host.nics[place]?.length ?? 0) === 0) return [];
      const why = refusal(() => computeBlocks({ ...pool, hostIndex: host.index }, [interfaceIndex]));
      return why === undefined ? [] : [`network ${name}, host ${host.name}: ${why}`];
    }),
  );
  const [first, ...others] = refused;
  if (first === undefined) return [];
  return [others.length === 0 ? first : `${first} (and so it is with ${others.length} other blocks)`];
}

function refusal(check: () => unknown): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (!(error instanceof CniError)) throw error;
    return error.message;
  }
}

function nicsOf(network: ClusterNetwork, { hosts }: Cluster, places: readonly number[]): string[] {
  const room = 2 ** network.pool.interfaceBlock;
  if (places.length === 0 && hosts.length > 0)
    return [
      `network ${network.name}: no host has a NIC in its masterNets; correct these, or the hosts' addresses`,
    ];
  if (places.length <= room) return [];
  return [
    `network ${network.name}: has ${places.length} NICs and ipam.interfaceBlock ${network.pool.interfaceBlock} has room for ${room}; make it larger, or name fewer masterNets`,
  ];
}

/**
 * By an address that is at another's place, all hosts' NICs there would be the network's, and the numbers of the others
 * behind them. Of a NIC's two addresses one may be outside: masterNets may be of one family.
 */
function strayed(
  { name, masterNets }: ClusterNetwork,
  { hosts }: Cluster,
  places: readonly number[],
): string[] {
  if (masterNets.length === 0) return [];
  const isInside = (nic: readonly IpAddress[]) =>
    nic.some((each) => masterNets.some((net) => containsAddress(net, each)));
  return places.flatMap((place) => {
    const at = hosts.flatMap(({ name: host, nics }) => {
      const nic = nics[place] ?? [];
      const said = `of host ${host} (${nic.map(formatAddress).join(" ")})`;
      return nic.length === 0 ? [] : [{ said, inside: isInside(nic) }];
    });
    const [inside, outside] = [at.find((each) => each.inside), at.find((each) => !each.inside)];
    if (inside === undefined || outside === undefined) return [];
    return [
      `network ${name}: addresses[${place}] ${inside.said} is in its masterNets, and that ${outside.said} is not; write the addresses of each host's NICs in the same order, with null where it lacks one`,
    ];
  });
}

/** A block is reached by the address of its host's NIC, which has to be of the block's family. */
function unroutable(network: ClusterNetwork, { hosts }: Cluster, places: readonly number[]): string[] {
  if (!network.routed) return [];
  return network.pool.subnets.flatMap(({ address: { family } }) =>
    hosts.flatMap(({ name, nics }) =>
      places
        .filter(
          (place) => (nics[place]?.length ?? 0) > 0 && !nics[place]?.some((each) => each.family === family),
        )
        .map(
          (place) =>
            `network ${network.name}, host ${name}: NIC ${place} has no IPv${family} address, which other hosts need to reach its IPv${family} block by`,
        ),
    ),
  );
}
