import { podNetwork } from "../ipam/blocks.ts";
import { bitsOf, type Cidr, containsAddress, type IpAddress } from "../net/address.ts";
import type { Cluster, ClusterHost, ClusterNetwork } from "./cluster.ts";

/** What a host has in a network for one of its NICs. */
export interface Share {
  /** Its place among the host's NICs */
  readonly place: number;
  /** Its number in the network */
  readonly interfaceIndex: number;
  /** Of the host's NIC */
  readonly addresses: readonly IpAddress[];
  /** In the order of the network's subnets */
  readonly blocks: readonly Cidr[];
}

/**
 * The places of the NICs that a network is over, in their order: those where some host has an address in masterNets. The
 * NIC's number in the network is its position here, so that a host that lacks one has the same numbers as the others.
 */
export function placesOf({ masterNets }: ClusterNetwork, { hosts }: Cluster): number[] {
  const places = new Set<number>();
  for (const { nics } of hosts)
    for (const [place, addresses] of nics.entries())
      if (
        addresses.some(
          (each) => masterNets.length === 0 || masterNets.some((net) => containsAddress(net, each)),
        )
      )
        places.add(place);
  return [...places].sort((a, b) => a - b);
}

/** A host's blocks of a NIC, by the NIC's number in the network; in the order of the network's subnets. */
export function blocksOf({ pool }: ClusterNetwork, { index }: ClusterHost, interfaceIndex: number): Cidr[] {
  const whole = { ...pool, hostIndex: index };
  return pool.subnets.map((subnet) => podNetwork(whole, subnet, interfaceIndex));
}

/** What a host has in a network: a share for each of its NICs. `places` are those of placesOf. */
export function sharesOf(network: ClusterNetwork, host: ClusterHost, places: readonly number[]): Share[] {
  return places.flatMap((place, interfaceIndex) => {
    const addresses = host.nics[place] ?? [];
    if (addresses.length === 0) return [];
    return [{ place, interfaceIndex, addresses, blocks: blocksOf(network, host, interfaceIndex) }];
  });
}

/** Whose block it is, whether there is such a host or not: the inverse of blocksOf; undefined for what is no host's block. */
export function numbersOf(
  { pool: { subnets, interfaceBlock, hostBlock } }: ClusterNetwork,
  { address, prefix }: Cidr,
): { readonly hostIndex: number; readonly interfaceIndex: number } | undefined {
  const subnet = subnets.find((each) => containsAddress(each, address));
  if (subnet === undefined || prefix !== subnet.prefix + interfaceBlock + hostBlock) return undefined;
  const numbers = address.value >> BigInt(bitsOf(address.family) - prefix);
  const bits = (value: bigint, count: number) => Number(BigInt.asUintN(count, value));
  return {
    hostIndex: bits(numbers, hostBlock),
    interfaceIndex: bits(numbers >> BigInt(hostBlock), interfaceBlock),
  };
}
