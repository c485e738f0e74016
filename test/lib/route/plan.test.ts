import { describe, expect, test } from "vitest";
import { formatAddress, formatCidr, parseAddress, parseCidr } from "../../../lib/net/address.ts";
import {
  type PlannedRoute,
  planRoutes,
  planSourceRouting,
  type RoutedNic,
  type RouteWanted,
} from "../../../lib/route/plan.ts";

const nic = (ifname: string, ...addresses: [cidr: string, gateway?: string][]): RoutedNic => ({
  ifname,
  addresses: addresses.map(([cidr, gateway]) => ({
    cidr: parseCidr(cidr),
    gateway: gateway === undefined ? undefined : parseAddress(gateway),
  })),
});

const want = (dst: string, gateway?: string, more: Partial<RouteWanted> = {}): RouteWanted => ({
  dst: parseCidr(dst),
  gateway: gateway === undefined ? undefined : parseAddress(gateway),
  ...more,
});

/** A route as `ip route` would say it. */
function text({ dst, table, nexthops, src, priority, mtu }: PlannedRoute): string {
  const hops = nexthops.map(({ ifname, gateway }) =>
    gateway === undefined ? `dev ${ifname}` : `via ${formatAddress(gateway)} dev ${ifname}`,
  );
  return [
    formatCidr(dst),
    hops.join(" + "),
    ...(table === 254 ? [] : [`table ${table}`]),
    ...(src === undefined ? [] : [`src ${formatAddress(src)}`]),
    ...(priority === undefined ? [] : [`metric ${priority}`]),
    ...(mtu === undefined ? [] : [`mtu ${mtu}`]),
  ].join(" ");
}

const two = [nic("net1-0", ["192.168.0.1/18"]), nic("net1-1", ["192.168.64.1/18"])];
const gatewayed = [
  nic("net1-0", ["192.168.0.1/18", "192.168.0.254"]),
  nic("net1-1", ["192.168.64.1/18", "192.168.64.254"]),
];
const dual = [
  nic("net1-0", ["192.168.0.1/18"], ["fd00::1/64"]),
  nic("net1-1", ["192.168.64.1/18"], ["fd00:0:0:1::1/64"]),
];

const planned: [title: string, nics: RoutedNic[], wanted: RouteWanted[], routes: string[]][] = [
  [
    "a gateway says by which NIC",
    two,
    [want("10.0.0.0/8", "192.168.64.254")],
    ["10.0.0.0/8 via 192.168.64.254 dev net1-1"],
  ],
  [
    "one destination with several gateways is one ECMP route",
    two,
    [want("10.0.0.0/8", "192.168.0.254"), want("10.0.0.0/8", "192.168.64.254")],
    ["10.0.0.0/8 via 192.168.0.254 dev net1-0 + via 192.168.64.254 dev net1-1"],
  ],
  [
    "the same route twice is one, with one nexthop",
    two,
    [want("10.0.0.0/8", "192.168.0.254"), want("10.0.0.0/8", "192.168.0.254")],
    ["10.0.0.0/8 via 192.168.0.254 dev net1-0"],
  ],
  [
    "without a gateway the route goes by every NIC",
    two,
    [want("10.0.0.0/8")],
    ["10.0.0.0/8 dev net1-0 + dev net1-1"],
  ],
  [
    "without a gateway of its own the route takes those of the addresses",
    gatewayed,
    [want("0.0.0.0/0")],
    ["0.0.0.0/0 via 192.168.0.254 dev net1-0 + via 192.168.64.254 dev net1-1"],
  ],
  [
    "a route of one NIC's IPAM goes by that NIC",
    gatewayed,
    [want("10.0.0.0/8", undefined, { nic: 1 })],
    ["10.0.0.0/8 via 192.168.64.254 dev net1-1"],
  ],
  [
    "IPv6 without gateways takes the first NIC, for the kernel has no ECMP there",
    dual,
    [want("fd99::/16")],
    ["fd99::/16 dev net1-0"],
  ],
  [
    "IPv6 with gateways is ECMP",
    dual,
    [want("fd99::/16", "fd00::fe"), want("fd99::/16", "fd00:0:0:1::fe")],
    ["fd99::/16 via fd00::fe dev net1-0 + via fd00:0:0:1::fe dev net1-1"],
  ],
  [
    "host bits of a destination are cleared",
    two,
    [want("10.1.2.3/8")],
    ["10.0.0.0/8 dev net1-0 + dev net1-1"],
  ],
  [
    "routes of different metrics or tables stay apart",
    two,
    [
      want("10.0.0.0/8", "192.168.0.254", { priority: 10, mtu: 1400 }),
      want("10.0.0.0/8", "192.168.64.254", { priority: 20 }),
      want("10.0.0.0/8", "192.168.64.254", { priority: 20, table: 100 }),
    ],
    [
      "10.0.0.0/8 via 192.168.0.254 dev net1-0 metric 10 mtu 1400",
      "10.0.0.0/8 via 192.168.64.254 dev net1-1 metric 20",
      "10.0.0.0/8 via 192.168.64.254 dev net1-1 table 100 metric 20",
    ],
  ],
];

describe("planRoutes", () => {
  test.each(planned)("%s", (_title, nics, wanted, routes) => {
    expect(planRoutes(nics, wanted).map(text)).toEqual(routes);
  });

  test("a gateway on none of the networks is refused, naming them", () => {
    expect(() => planRoutes(two, [want("10.0.0.0/8", "172.16.0.1")])).toThrow(
      /gateway 172\.16\.0\.1 of 10\.0\.0\.0\/8 is on none of the pod's networks \(192\.168\.0\.0\/18, 192\.168\.64\.0\/18\)/,
    );
  });

  test("a route of a family that no NIC has is refused", () => {
    expect(() => planRoutes(two, [want("fd99::/16")])).toThrow(
      /fd99::\/16 is IPv6 and no NIC gets an IPv6 address/,
    );
  });
});

describe("planSourceRouting", () => {
  const rules = (nics: RoutedNic[]) =>
    planSourceRouting(nics, [], 4096).rules.map(
      ({ from, table, priority }) => `${priority}: from ${formatCidr(from)} lookup ${table}`,
    );

  test("each address of each NIC has a rule to the NIC's table", () => {
    expect(rules(dual)).toEqual([
      "1000: from 192.168.0.1/32 lookup 4096",
      "1000: from fd00::1/128 lookup 4096",
      "1000: from 192.168.64.1/32 lookup 4097",
      "1000: from fd00:0:0:1::1/128 lookup 4097",
    ]);
  });

  test("a NIC's table has its networks, its share of the routes, and its gateway", () => {
    const routes = planRoutes(gatewayed, [
      want("10.0.0.0/8"),
      want("172.16.0.0/12", "192.168.64.9"),
      want("10.9.0.0/16", "192.168.0.9", { table: 7 }),
    ]);
    expect(planSourceRouting(gatewayed, routes, 4096).routes.map(text)).toEqual([
      "192.168.0.0/18 dev net1-0 table 4096 src 192.168.0.1",
      "10.0.0.0/8 via 192.168.0.254 dev net1-0 table 4096",
      "0.0.0.0/0 via 192.168.0.254 dev net1-0 table 4096",
      "192.168.64.0/18 dev net1-1 table 4097 src 192.168.64.1",
      "10.0.0.0/8 via 192.168.64.254 dev net1-1 table 4097",
      "172.16.0.0/12 via 192.168.64.9 dev net1-1 table 4097",
      "0.0.0.0/0 via 192.168.64.254 dev net1-1 table 4097",
    ]);
  });

  test("two addresses on one network need one connected route, and a host prefix none", () => {
    const nics = [nic("net1-0", ["10.0.0.1/24"], ["10.0.0.2/24"], ["10.0.9.1/32"])];
    expect(planSourceRouting(nics, [], 4096).routes.map(text)).toEqual([
      "10.0.0.0/24 dev net1-0 table 4096 src 10.0.0.1",
    ]);
  });

  test("a default route that is asked for is not doubled by the NIC's gateway", () => {
    const routes = planRoutes(gatewayed.slice(0, 1), [want("0.0.0.0/0")]);
    expect(planSourceRouting(gatewayed.slice(0, 1), routes, 4096).routes.map(text)).toEqual([
      "192.168.0.0/18 dev net1-0 table 4096 src 192.168.0.1",
      "0.0.0.0/0 via 192.168.0.254 dev net1-0 table 4096",
    ]);
  });
});
