import { CniError } from "../cni/error.ts";
import { checkPool } from "../ipam/blocks.ts";
import { containsAddress, formatAddress, formatCidr, overlaps } from "../net/address.ts";
import type { Cluster, ClusterNetwork } from "./cluster.ts";
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
        ...indexesOf(network, cluster),
        ...nicsOf(network, cluster, places),
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
function overlappingHosts({ name, pool, masterNets }: ClusterNetwork, { hosts }: Cluster): string[] {
  return pool.subnets.flatMap((subnet) => {
    const net = masterNets.find((each) => overlaps(each, subnet));
    if (net !== undefined)
      return [
        `network ${name}: ${formatCidr(subnet)} overlaps ${formatCidr(net)}, which is the hosts'; take another subnet`,
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

/** Every host's index has to be one that hostBlock has bits for: said once for all that have not. */
function indexesOf({ name, pool }: ClusterNetwork, { hosts }: Cluster): string[] {
  const highest = hosts.reduce((most, { index }) => Math.max(most, index), 0);
  try {
    checkPool({ ...pool, hostIndex: highest });
    return [];
  } catch (error) {
    if (!(error instanceof CniError)) throw error;
    const host = hosts.find(({ index }) => index === highest);
    return [`network ${name}, host ${host?.name ?? "(none)"}: ${error.message}`];
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
