import { describe, expect, test } from "vitest";
import { parseAddress, parseCidr } from "../../../lib/net/address.ts";
import type { Link } from "../../../lib/netlink/message/link.ts";
import { differences, type PodState } from "../../../plugins/multi-nic/compare.ts";
import type { Plan } from "../../../plugins/multi-nic/plan.ts";

const plan: Plan = {
  group: 0x40000000,
  links: [
    {
      ifname: "net1-0",
      master: "eth1",
      masterIndex: 7,
      kind: { kind: "ipvlan", mode: "l3", flag: "bridge" },
      mtu: 1500,
      mac: undefined,
      addresses: [{ cidr: parseCidr("192.168.0.1/18") }],
    },
  ],
  routes: [
    {
      dst: parseCidr("10.0.0.0/8"),
      table: 254,
      nexthops: [{ ifname: "net1-0", gateway: parseAddress("192.168.0.254") }],
    },
    { dst: parseCidr("fd99::/16"), table: 254, nexthops: [{ ifname: "net1-0" }] },
  ],
  rules: [{ from: parseCidr("192.168.0.1/32"), table: 0x40000000, priority: 1000 }],
  wanted: [],
  dns: {},
  delegates: [],
};

const link: Link = {
  index: 3,
  name: "net1-0",
  flags: 0x1,
  type: 1,
  mtu: 1500,
  minMtu: 68,
  maxMtu: 65535,
  group: plan.group,
  operstate: "up",
  carrier: true,
  link: 7,
  altNames: [],
  kind: { kind: "ipvlan", mode: "l3", flag: "bridge" },
};
const address = { index: 3, cidr: parseCidr("192.168.0.1/18"), scope: 0, flags: 0, nodad: true };
const linkLocal = { index: 3, cidr: parseCidr("fe80::1/64"), scope: 253, flags: 0, nodad: false };
const route = {
  dst: parseCidr("10.0.0.0/8"),
  table: 254,
  protocol: 77,
  oif: 3,
  gateway: parseAddress("192.168.0.254"),
};
const route6 = { dst: parseCidr("fd99::/16"), table: 254, protocol: 77, oif: 3, priority: 1024 };
const rule = {
  family: 4 as const,
  src: parseCidr("192.168.0.1/32"),
  table: 0x40000000,
  priority: 1000,
  protocol: 77,
  action: 1,
};
const asMade: PodState = {
  links: [link],
  addresses: [address, linkLocal],
  routes: [route, route6],
  rules: [rule],
};

const rows: [title: string, pod: Partial<PodState>, differences: string[]][] = [
  ["all is as ADD made it", {}, []],
  ["the link is gone", { links: [] }, ["net1-0 is gone"]],
  ["the link is renamed", { links: [{ ...link, name: "eth9" }] }, ["net1-0 is gone"]],
  [
    "the link is in another group",
    { links: [{ ...link, group: 0 }] },
    ["net1-0 is in link group 0, not 1073741824"],
  ],
  ["the link is down", { links: [{ ...link, flags: 0 }] }, ["net1-0 is down"]],
  ["the link has another master", { links: [{ ...link, link: 8 }] }, ["net1-0 has master 8, not 7 (eth1)"]],
  [
    "the link has another mode",
    { links: [{ ...link, kind: { kind: "ipvlan", mode: "l2", flag: "bridge" } }] },
    ["net1-0 is ipvlan l2 bridge, not ipvlan l3 bridge"],
  ],
  [
    "the link is of another kind",
    { links: [{ ...link, kind: { kind: "other", name: "dummy" } }] },
    ["net1-0 is dummy, not ipvlan l3 bridge"],
  ],
  ["the MTU was changed", { links: [{ ...link, mtu: 1280 }] }, ["net1-0 has MTU 1280, not 1500"]],
  ["the address is gone", { addresses: [linkLocal] }, ["net1-0 has lost 192.168.0.1/18"]],
  [
    "the address has another prefix length",
    { addresses: [{ ...address, cidr: parseCidr("192.168.0.1/24") }] },
    ["net1-0 has lost 192.168.0.1/18", "net1-0 has 192.168.0.1/24, which is not its own"],
  ],
  [
    "an address was added",
    { addresses: [address, { ...address, cidr: parseCidr("10.9.9.9/24") }] },
    ["net1-0 has 10.9.9.9/24, which is not its own"],
  ],
  [
    "an address of another link is nothing to us",
    { addresses: [address, { ...address, index: 4, cidr: parseCidr("10.9.9.9/24") }] },
    [],
  ],
  [
    "a route is gone",
    { routes: [route6] },
    ["route 10.0.0.0/8 via 192.168.0.254 dev net1-0 of table 254 is gone"],
  ],
  [
    "a route has another gateway",
    { routes: [{ ...route, gateway: parseAddress("192.168.0.1") }, route6] },
    ["route 10.0.0.0/8 via 192.168.0.254 dev net1-0 of table 254 is gone"],
  ],
  [
    "a route of the same destination and another metric is another",
    { routes: [{ ...route, priority: 5 }, route6] },
    ["route 10.0.0.0/8 via 192.168.0.254 dev net1-0 of table 254 is gone"],
  ],
  [
    "the routes were moved to a table that the link's address is routed by",
    { routes: [{ ...route, table: 100 }, route6], rules: [rule, { ...rule, table: 100, protocol: 0 }] },
    [],
  ],
  [
    "the routes were moved to a table that another address is routed by",
    {
      routes: [{ ...route, table: 100 }, route6],
      rules: [rule, { ...rule, src: parseCidr("192.168.0.2/32"), table: 100 }],
    },
    ["route 10.0.0.0/8 via 192.168.0.254 dev net1-0 of table 254 is gone"],
  ],
  [
    "a route is gone from the main table, and in our own of source routing",
    { routes: [{ ...route, table: plan.group }, route6] },
    ["route 10.0.0.0/8 via 192.168.0.254 dev net1-0 of table 254 is gone"],
  ],
  ["the rule is gone", { rules: [] }, [`rule from 192.168.0.1/32 lookup ${0x40000000} is gone`]],
];

describe("differences", () => {
  test.each(rows)("%s", (_title, pod, expected) => {
    expect(differences(plan, { ...asMade, ...pod }, { mtu: new Map([["net1-0", 1500]]) })).toEqual(expected);
  });

  test("an MTU is not compared where the result cannot tell of one", () => {
    const tuned = { ...asMade, links: [{ ...link, mtu: 1280 }] };
    expect(differences(plan, tuned, { mtu: new Map() })).toEqual([]);
  });

  test("an MTU that a later plugin of the chain set is fine", () => {
    const tuned = { ...asMade, links: [{ ...link, mtu: 1280 }] };
    expect(differences(plan, tuned, { mtu: new Map([["net1-0", 1280]]) })).toEqual([]);
  });

  test("one nexthop of an ECMP route that is gone is named", () => {
    const hops = ["192.168.0.254", "192.168.0.253"].map((text) => ({
      ifname: "net1-0",
      gateway: parseAddress(text),
    }));
    const ecmp = { ...plan, routes: [{ dst: parseCidr("10.0.0.0/8"), table: 254, nexthops: hops }] };
    expect(differences(ecmp, asMade, { mtu: new Map() })).toEqual([
      "route 10.0.0.0/8 via 192.168.0.253 dev net1-0 of table 254 is gone",
    ]);
  });
});
