import { CniError, ErrorCode } from "../cni/error.ts";
import type { Cidr, IpAddress } from "../net/address.ts";
import { bitsOf, containsAddress, formatAddress, formatCidr, networkOf } from "../net/address.ts";

/** An interface of the pod with the addresses it will have. */
export interface RoutedNic {
  readonly ifname: string;
  readonly addresses: readonly { readonly cidr: Cidr; readonly gateway?: IpAddress | undefined }[];
}

/** A route as a configuration or an IPAM asks for it. */
export interface RouteWanted {
  readonly dst: Cidr;
  readonly gateway?: IpAddress | undefined;
  /** The place of the NIC whose IPAM asked for it; undefined where it was asked for all. */
  readonly nic?: number | undefined;
  readonly mtu?: number | undefined;
  readonly advmss?: number | undefined;
  readonly priority?: number | undefined;
  readonly table?: number | undefined;
  /** RT_SCOPE_*; undefined: universe behind a gateway, link otherwise. */
  readonly scope?: number | undefined;
}

export interface Nexthop {
  readonly ifname: string;
  readonly gateway?: IpAddress | undefined;
}

export interface PlannedRoute {
  readonly dst: Cidr;
  readonly table: number;
  /** One, or several for ECMP. */
  readonly nexthops: readonly Nexthop[];
  readonly src?: IpAddress | undefined;
  readonly mtu?: number | undefined;
  readonly advmss?: number | undefined;
  readonly priority?: number | undefined;
  readonly scope?: number | undefined;
}

export interface PlannedRule {
  /** Packets from this address (a host prefix) … */
  readonly from: Cidr;
  /** … are routed by this table. */
  readonly table: number;
  readonly priority: number;
}

export const mainTable = 254;

/** Before the rule of the main table (32766), behind that of the local one (0). */
export const sourceRulePriority = 1000;

/**
 * Routes for the pod: each that is asked for goes by the NIC whose network holds its gateway, and routes with one
 * destination and several gateways become one with several nexthops.
 * @throws CniError invalidConfig where a gateway is on none of the networks
 */
export function planRoutes(nics: readonly RoutedNic[], wanted: readonly RouteWanted[]): PlannedRoute[] {
  const routes = new Map<string, PlannedRoute>();
  for (const want of wanted) {
    const table = want.table ?? mainTable;
    const key = [formatCidr(networkOf(want.dst)), table, want.priority ?? 0].join(" ");
    const known = routes.get(key);
    const nexthops = nexthopsOf(nics, want);
    routes.set(
      key,
      known === undefined
        ? toRoute(want, table, nexthops)
        : { ...known, nexthops: merge(known.nexthops, nexthops) },
    );
  }
  return [...routes.values()].map(withinIpv6);
}

function toRoute(want: RouteWanted, table: number, nexthops: readonly Nexthop[]): PlannedRoute {
  const { mtu, advmss, priority, scope } = want;
  return { dst: networkOf(want.dst), table, nexthops, mtu, advmss, priority, scope };
}

function nexthopsOf(nics: readonly RoutedNic[], want: RouteWanted): Nexthop[] {
  const among = want.nic === undefined ? nics : nics.slice(want.nic, want.nic + 1);
  if (want.gateway !== undefined) return [nexthopBy(among, want.dst, want.gateway)];
  const family = want.dst.address.family;
  const ofFamily = among.flatMap((nic) =>
    nic.addresses
      .filter(({ cidr }) => cidr.address.family === family)
      .map(({ gateway }) => ({ ifname: nic.ifname, gateway })),
  );
  const withGateway = ofFamily.filter(({ gateway }) => gateway !== undefined);
  const nexthops = merge(
    [],
    withGateway.length > 0 ? withGateway : ofFamily.map(({ ifname }) => ({ ifname })),
  );
  if (nexthops.length === 0) {
    throw new CniError(
      ErrorCode.invalidConfig,
      `routes: ${formatCidr(want.dst)} is IPv${family} and no NIC gets an IPv${family} address; leave it out, or give the pod such addresses`,
    );
  }
  return nexthops;
}

function nexthopBy(nics: readonly RoutedNic[], dst: Cidr, gateway: IpAddress): Nexthop {
  const nic = nics.find(({ addresses }) => addresses.some(({ cidr }) => containsAddress(cidr, gateway)));
  if (nic === undefined) {
    const networks = nics.flatMap(({ addresses }) =>
      addresses.map(({ cidr }) => formatCidr(networkOf(cidr))),
    );
    throw new CniError(
      ErrorCode.invalidConfig,
      `routes: gateway ${formatAddress(gateway)} of ${formatCidr(dst)} is on none of the pod's networks (${networks.join(", ") || "none"}); name a gateway on one of them`,
    );
  }
  return { ifname: nic.ifname, gateway };
}

function merge(known: readonly Nexthop[], more: readonly Nexthop[]): Nexthop[] {
  const merged = [...known];
  for (const nexthop of more) {
    if (!merged.some((other) => sameNexthop(other, nexthop))) merged.push(nexthop);
  }
  return merged;
}

const sameNexthop = (a: Nexthop, b: Nexthop): boolean =>
  a.ifname === b.ifname && a.gateway?.value === b.gateway?.value;

/** The kernel takes no IPv6 nexthop without a gateway into an ECMP route (ip6_route_multipath_add): the first NIC serves. */
function withinIpv6(route: PlannedRoute): PlannedRoute {
  if (route.dst.address.family === 4 || route.nexthops.length === 1) return route;
  const withGateway = route.nexthops.filter(({ gateway }) => gateway !== undefined);
  return { ...route, nexthops: withGateway.length > 0 ? withGateway : route.nexthops.slice(0, 1) };
}

/**
 * Source-based routing: what leaves from an address of a NIC leaves by that NIC. Each NIC has a table of its own
 * (baseTable + its place) with its networks and its share of the routes, and a rule for each of its addresses.
 */
export function planSourceRouting(
  nics: readonly RoutedNic[],
  routes: readonly PlannedRoute[],
  baseTable: number,
): { routes: PlannedRoute[]; rules: PlannedRule[] } {
  const tables = nics.map((nic, place) => ({ nic, table: baseTable + place }));
  return {
    routes: tables.flatMap(({ nic, table }) => tableOf(nic, routes, table)),
    rules: tables.flatMap(({ nic, table }) => rulesOf(nic, table)),
  };
}

function tableOf(nic: RoutedNic, routes: readonly PlannedRoute[], table: number): PlannedRoute[] {
  const connected = nic.addresses
    .filter(({ cidr }) => cidr.prefix < bitsOf(cidr.address.family))
    .map(({ cidr }) => ({
      dst: networkOf(cidr),
      table,
      nexthops: [{ ifname: nic.ifname }],
      src: cidr.address,
    }));
  const share = routes
    .filter((route) => route.table === mainTable)
    .map((route) => ({
      ...route,
      table,
      nexthops: route.nexthops.filter(({ ifname }) => ifname === nic.ifname),
    }))
    .filter(({ nexthops }) => nexthops.length > 0);
  const defaults = nic.addresses.flatMap(({ cidr, gateway }) =>
    gateway === undefined
      ? []
      : [{ dst: defaultOf(cidr), table, nexthops: [{ ifname: nic.ifname, gateway }] }],
  );
  return distinct([...connected, ...share, ...defaults]);
}

const defaultOf = ({ address }: Cidr): Cidr => ({
  address: { family: address.family, value: 0n },
  prefix: 0,
});

/** The first route to a destination stays: two addresses on one network need one connected route. */
function distinct(routes: readonly PlannedRoute[]): PlannedRoute[] {
  const known = new Map<string, PlannedRoute>();
  for (const route of routes) {
    const key = `${route.table} ${formatCidr(route.dst)} ${route.priority ?? 0}`;
    if (!known.has(key)) known.set(key, route);
  }
  return [...known.values()];
}

function rulesOf(nic: RoutedNic, table: number): PlannedRule[] {
  return nic.addresses.map(({ cidr }) => ({
    from: { address: cidr.address, prefix: bitsOf(cidr.address.family) },
    table,
    priority: sourceRulePriority,
  }));
}
