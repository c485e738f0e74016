import type { Cidr, IpAddress } from "../net/address.ts";
import { formatCidr } from "../net/address.ts";
import type { Route } from "../netlink/message/route.ts";
import { tableOf } from "../route/host-routes.ts";
import type { Cluster, ClusterHost } from "./cluster.ts";
import { numbersOf, placesOf } from "./division.ts";
import type { HostRoute, NetworkPlan } from "./host-plan.ts";

/** A block that another host had, and that is no host's now: pods of that host may have addresses of it still. */
export interface FormerBlock {
  readonly network: string;
  readonly interfaceIndex: number;
  readonly dst: Cidr;
  /** Of that host, on the same NIC's network */
  readonly gateway: IpAddress;
  readonly host: string;
}

/**
 * The blocks that hosts of the cluster had before it, as `routes`, those of a host before the file was taken, lead to them:
 * a host that has another index by the file may keep its pods, and refuse the file, which no other host can see. They are
 * no longer kept where another host has the index, or their own host or its address is gone from the file.
 */
export function formerBlocks(
  { networks, hosts }: Cluster,
  own: ClusterHost,
  routes: readonly Pick<Route, "table" | "dst" | "gateway">[],
): FormerBlock[] {
  const taken = new Set(hosts.map(({ index }) => index));
  return networks.flatMap((network) => {
    if (!network.routed) return [];
    const table = tableOf(network.name);
    const lost = routes.flatMap(({ table: at, dst, gateway }) => {
      const numbers = at === table ? numbersOf(network, dst) : undefined;
      if (numbers === undefined || gateway === undefined || taken.has(numbers.hostIndex)) return [];
      return [{ dst, gateway, interfaceIndex: numbers.interfaceIndex }];
    });
    if (lost.length === 0) return [];
    const places = placesOf(network, { networks, hosts });
    const holders = holdersOf(hosts.filter(({ name }) => name !== own.name));
    const kept = lost.flatMap((block) => {
      const host = holders.get(keyOf(places[block.interfaceIndex] ?? -1, block.gateway));
      return host === undefined ? [] : [{ ...block, network: network.name, host }];
    });
    return [...new Map(kept.map((block) => [formatCidr(block.dst), block])).values()];
  });
}

const keyOf = (place: number, { value }: IpAddress) => `${place} ${value}`;

/** The hosts' names by the places and addresses of their NICs. */
function holdersOf(hosts: readonly ClusterHost[]): ReadonlyMap<string, string> {
  return new Map(
    hosts.flatMap(({ name, nics }) =>
      nics.flatMap((nic, place) => nic.map((each) => [keyOf(place, each), name] as const)),
    ),
  );
}

/** All the routes of a network's plan: those to the hosts' blocks, and those to blocks that they had before. */
export function routesOf(
  { network, nics, routes }: NetworkPlan,
  former: readonly FormerBlock[],
): HostRoute[] {
  const kept = former.flatMap(({ network: of, interfaceIndex, dst, gateway, host }) => {
    const nic = nics.find((each) => each.interfaceIndex === interfaceIndex)?.nic;
    if (of !== network.name || nic === undefined) return [];
    return [{ dst, gateway, oif: nic.index, dev: nic.name, host, former: true as const }];
  });
  return [...routes, ...kept];
}
