import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseAddress, parseCidr } from "../../../lib/net/address.ts";
import { decodeMessages, type Request } from "../../../lib/netlink/codec.ts";
import { ipvlanFlags, ipvlanModes } from "../../../lib/netlink/kind/ipvlan.ts";
import type { NewLinkKind } from "../../../lib/netlink/kind/kinds.ts";
import { macvlanModes } from "../../../lib/netlink/kind/macvlan.ts";
import { deleteAddress, dumpAddresses, newAddress } from "../../../lib/netlink/message/address.ts";
import { addAltNames, deleteAltNames } from "../../../lib/netlink/message/alt-names.ts";
import { deleteGroup, deleteLink, newLink, setLink, setLinkUp } from "../../../lib/netlink/message/link.ts";
import { deleteRoute, dumpRoutes, newRoute } from "../../../lib/netlink/message/route.ts";
import { deleteRule, dumpRules, newRule } from "../../../lib/netlink/message/rule.ts";
import { setVf, type VfSettings } from "../../../lib/netlink/message/vf.ts";

/** What iproute2 sent for each command (capture-golden.ts). */
const golden: readonly { command: string; hex: string }[] = JSON.parse(
  readFileSync(new URL("golden.json", import.meta.url), "utf8"),
);

const veth0 = 100;
const veth1 = 101;
/** The descriptor that ip had the namespace under. */
const netnsFd = 4;
const boot = 3;
const ofStatic = 4;
const main = 254;

const link = (kind: NewLinkKind) => newLink({ name: "net1-0", kind, link: veth0, netnsFd, group: 0 });
const dst = parseCidr("10.9.0.0/16");
const dst6 = parseCidr("fd09::/48");
const via = parseAddress("10.1.0.1");
const via6 = parseAddress("fd00::1");
const to = { dst, table: main, protocol: boot };
const to6 = { dst: dst6, table: main, protocol: boot };
const cidr = parseCidr("10.1.0.5/24");
const cidr6 = parseCidr("fd00::5/64");
const rule = {
  family: 4,
  src: parseCidr("10.1.0.5/32"),
  table: 1000,
  priority: 1000,
  protocol: ofStatic,
} as const;
const rule6 = { ...rule, family: 6, src: parseCidr("fd00::5/128") } as const;

const vf1 = { pf: "veth0", pfIndex: veth0, number: 1 };
const vfs: readonly [words: string, settings: VfSettings][] = [
  ["mac 02:00:00:00:00:01", { mac: "02:00:00:00:00:01" }],
  ["vlan 7 qos 2", { vlan: { vlan: 7, qos: 2, proto: "802.1q" } }],
  ["vlan 7 qos 2 proto 802.1ad", { vlan: { vlan: 7, qos: 2, proto: "802.1ad" } }],
  ["spoofchk off", { spoofchk: false }],
  ["trust on", { trust: true }],
  ["state enable", { linkState: "enable" }],
  ["min_tx_rate 100 max_tx_rate 2000", { rate: { min: 100, max: 2000 } }],
];

const keysOf = <T extends object>(table: T) => Object.keys(table) as (keyof T & string)[];
const prefix = "ip link add link veth0 name net1-0";

const requests: Readonly<Record<string, Request>> = {
  ...Object.fromEntries(
    keysOf(macvlanModes).map((mode) => [
      `${prefix} netns POD type macvlan mode ${mode}`,
      link({ kind: "macvlan", mode }),
    ]),
  ),
  ...Object.fromEntries(
    keysOf(ipvlanModes).flatMap((mode) =>
      keysOf(ipvlanFlags).map((flag) => [
        `${prefix} netns POD type ipvlan mode ${mode} ${flag}`,
        link({ kind: "ipvlan", mode, flag }),
      ]),
    ),
  ),
  [`${prefix} address 02:00:00:00:00:01 mtu 1400 group 77 netns POD type macvlan mode bridge bcqueuelen 2000`]:
    newLink({
      name: "net1-0",
      kind: { kind: "macvlan", mode: "bridge", bcqueuelen: 2000 },
      link: veth0,
      netnsFd,
      mac: "02:00:00:00:00:01",
      mtu: 1400,
      group: 77,
    }),
  [`${prefix} netns POD type vlan id 7`]: link({ kind: "vlan", id: 7 }),
  "ip link set veth0 up": setLinkUp(veth0),
  "ip link set veth0 name net1-0 address 02:00:00:00:00:01 mtu 1400 group 77": setLink({
    index: veth0,
    label: "rename veth0",
    name: "net1-0",
    mac: "02:00:00:00:00:01",
    mtu: 1400,
    group: 77,
  }),
  "ip link set veth1 netns POD": setLink({ index: veth1, label: "move veth1", netnsFd }),
  "ip link set veth0 alias eth1": setLink({ index: veth0, label: "write of veth0", alias: "eth1" }),
  "ip link property add dev veth0 altname first altname second": addAltNames(veth0, ["first", "second"]),
  "ip link property del dev veth0 altname first": deleteAltNames(veth0, ["first"]),
  ...Object.fromEntries(
    vfs.map(([words, settings]) => [`ip link set veth0 vf 1 ${words}`, setVf(vf1, settings)[0] as Request]),
  ),
  "ip link del veth0": deleteLink(veth0),
  "ip link del group 77": deleteGroup(77),
  "ip addr add 10.1.0.5/24 dev veth0": newAddress({ index: veth0, cidr, nodad: false }),
  "ip addr del 10.1.0.5/24 dev veth0": deleteAddress({ index: veth0, cidr }),
  "ip -6 addr add fd00::5/64 dev veth0 nodad": newAddress({ index: veth0, cidr: cidr6, nodad: true }),
  "ip -6 addr del fd00::5/64 dev veth0": deleteAddress({ index: veth0, cidr: cidr6 }),
  "ip addr show dev veth0": dumpAddresses(veth0),
  "ip route add 10.9.0.0/16 dev veth0": newRoute({ ...to, oif: veth0 }),
  "ip route add 10.9.0.0/16 via 10.1.0.1 dev veth0": newRoute({ ...to, oif: veth0, gateway: via }),
  "ip route add default via 10.1.0.1 dev veth0 table 200": newRoute({
    dst: parseCidr("0.0.0.0/0"),
    table: 200,
    protocol: boot,
    oif: veth0,
    gateway: via,
  }),
  "ip route add 10.9.0.0/16 via 10.1.0.1 dev veth0 src 10.1.0.5 proto static metric 50 table 1000 onlink mtu 1400 advmss 1360":
    newRoute({
      dst,
      table: 1000,
      protocol: ofStatic,
      oif: veth0,
      gateway: via,
      src: parseAddress("10.1.0.5"),
      priority: 50,
      onlink: true,
      mtu: 1400,
      advmss: 1360,
    }),
  "ip route add 10.9.0.0/16 dev veth0 scope global": newRoute({ ...to, oif: veth0, scope: 0 }),
  "ip route add 10.9.0.0/16 nexthop via 10.1.0.1 dev veth0 nexthop via 10.2.0.1 dev veth1 weight 3": newRoute(
    {
      ...to,
      multipath: [
        { oif: veth0, gateway: via },
        { oif: veth1, gateway: parseAddress("10.2.0.1"), weight: 3 },
      ],
    },
  ),
  "ip route add 10.9.0.0/16 table 1000 nexthop via 10.1.0.1 dev veth0 onlink nexthop dev veth1": newRoute({
    ...to,
    table: 1000,
    multipath: [{ oif: veth0, gateway: via, onlink: true }, { oif: veth1 }],
  }),
  "ip route del 10.9.0.0/16 via 10.1.0.1 dev veth0 table 1000 proto static": deleteRoute({
    dst,
    table: 1000,
    protocol: ofStatic,
    oif: veth0,
    gateway: via,
  }),
  "ip route del 10.9.0.0/16 dev veth0": deleteRoute({ ...to, protocol: 0, oif: veth0 }),
  "ip -6 route add fd09::/48 dev veth0": newRoute({ ...to6, oif: veth0 }),
  "ip -6 route add fd09::/48 via fd00::1 dev veth0 metric 50 table 1000 mtu 1400": newRoute({
    ...to6,
    table: 1000,
    oif: veth0,
    gateway: via6,
    priority: 50,
    mtu: 1400,
  }),
  "ip -6 route add fd09::/48 nexthop via fd00::1 dev veth0 nexthop via fd01::1 dev veth1 weight 2": newRoute({
    ...to6,
    multipath: [
      { oif: veth0, gateway: via6 },
      { oif: veth1, gateway: parseAddress("fd01::1"), weight: 2 },
    ],
  }),
  "ip -6 route del fd09::/48 via fd00::1 dev veth0": deleteRoute({
    ...to6,
    protocol: 0,
    oif: veth0,
    gateway: via6,
  }),
  "ip -4 route show table 200": dumpRoutes(200, 4),
  "ip -6 route show table 1000": dumpRoutes(1000, 6),
  "ip rule add from 10.1.0.5/32 table 1000 priority 1000 protocol static": newRule(rule),
  "ip rule add from 10.1.0.0/24 table 200 priority 1000 protocol static": newRule({
    ...rule,
    src: parseCidr("10.1.0.0/24"),
    table: 200,
  }),
  "ip -6 rule add from fd00::5/128 table 1000 priority 1000 protocol static": newRule(rule6),
  "ip rule del from 10.1.0.5/32 table 1000 priority 1000 protocol static": deleteRule(rule),
  "ip -6 rule del from fd00::5/128 table 200 priority 1000 protocol static": deleteRule({
    ...rule6,
    table: 200,
  }),
  "ip -4 rule show": dumpRules(4),
  "ip -6 rule show": dumpRules(6),
};

/** ip leaves the group out where none is named; newLink never does. */
const groupZero = "08001b0000000000";

describe("what we send is, byte for byte, what iproute2 sends", () => {
  test.each(golden)("$command", ({ command, hex }) => {
    const [sent] = decodeMessages(Buffer.from(hex, "hex"));
    const request = requests[command];
    expect(request).toBeDefined();
    const body = Buffer.from(request?.body ?? []).toString("hex");
    expect({ type: request?.type, flags: request?.flags, body: body.replace(groupZero, "") }).toEqual({
      type: sent?.type,
      flags: sent?.flags,
      body: Buffer.from(sent?.body ?? []).toString("hex"),
    });
  });

  test("every request of the table has its captured command", () => {
    expect(Object.keys(requests).sort()).toEqual(golden.map(({ command }) => command).sort());
  });
});
