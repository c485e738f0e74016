import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { formatCidr, parseAddress, parseCidr } from "../../../lib/net/address.ts";
import type { Request } from "../../../lib/netlink/codec.ts";
import * as k from "../../../lib/netlink/constants.ts";
import { newAddress } from "../../../lib/netlink/message/address.ts";
import { getLinkByIndex } from "../../../lib/netlink/message/link.ts";
import { newRoute } from "../../../lib/netlink/message/route.ts";
import { readNics, readNicsByName, readNicsOnNets } from "../../../lib/nic/discover.ts";
import { type FakeAnswer, fakeNetlink, linkBody } from "../netlink/fake-netlink.ts";

const sys = mkdtempSync(join(tmpdir(), "discover-"));
afterAll(() => rmSync(sys, { recursive: true }));
for (const name of ["eth0", "eth1", "eth2"])
  mkdirSync(join(sys, "class/net", name, "device"), { recursive: true });
mkdirSync(join(sys, "class/net/br0"), { recursive: true });

const loopback = 0x1_0049;
const upWithCarrier = 0x1_1043;
const upWithoutCarrier = 0x1003;

const links = {
  lo: linkBody({ index: 1, name: "lo", flags: loopback }),
  eth0: linkBody({ index: 2, name: "eth0", flags: upWithCarrier }),
  eth1: linkBody({ index: 3, name: "eth1", flags: upWithCarrier, mtu: 9000, mac: "02:00:00:00:00:03" }),
  eth2: linkBody({ index: 4, name: "eth2", flags: upWithoutCarrier }),
  br0: linkBody({ index: 5, name: "br0", flags: 0x1002 }),
};
const addresses = [
  newAddress({ index: 2, cidr: parseCidr("192.0.2.1/24"), nodad: false }),
  newAddress({ index: 3, cidr: parseCidr("10.1.0.1/16"), nodad: false }),
  newAddress({ index: 3, cidr: parseCidr("fd01::1/64"), nodad: false }),
].map(({ body }) => body);
const linkLocal = newAddress({ index: 3, cidr: parseCidr("fe80::3/64"), nodad: false }).body.slice();
// ifa_scope of struct ifaddrmsg; the kernel sets it.
linkLocal[3] = 253;

const via = parseAddress("192.0.2.254");
const defaultRoute = newRoute({
  dst: parseCidr("0.0.0.0/0"),
  gateway: via,
  oif: 2,
  table: 254,
  protocol: 3,
}).body;
const connected = newRoute({ dst: parseCidr("10.1.0.0/16"), oif: 3, table: 254, protocol: 2 }).body;
const multipath = [{ oif: 2, gateway: via }, { oif: 4 }];
const defaultEcmp = newRoute({ dst: parseCidr("0.0.0.0/0"), multipath, table: 254, protocol: 3 }).body;

const ENODEV = 19;

const ENOENT = 2;

/** A kernel with these IPv4 routes, or the errno of their dump. */
function kernel(routes: FakeAnswer): (request: Request) => FakeAnswer {
  return (request) => {
    if (request.type === k.RTM_GETADDR) return [...addresses, linkLocal];
    if (request.type === k.RTM_GETROUTE) return request.body[0] === k.AF_INET ? routes : [];
    if (request.flags & k.NLM_F_DUMP) return Object.values(links);
    const found = Object.entries(links).find(([name, body]) =>
      [`look up ${name}`, `look up link ${body[4]}`].includes(request.label),
    );
    return found === undefined ? ENODEV : [found[1]];
  };
}

test("reads every link but loopback, with its global addresses, and says which is physical and which has the default route", async () => {
  const nics = await readNics({ netlink: fakeNetlink(kernel([connected, defaultRoute])), sys });
  expect(nics.map((nic) => ({ ...nic, addresses: nic.addresses.map(formatCidr) }))).toEqual([
    {
      name: "eth0",
      index: 2,
      mac: undefined,
      mtu: 1500,
      up: true,
      carrier: true,
      addresses: ["192.0.2.1/24"],
      physical: true,
      defaultRoute: true,
    },
    {
      name: "eth1",
      index: 3,
      mac: "02:00:00:00:00:03",
      mtu: 9000,
      up: true,
      carrier: true,
      addresses: ["10.1.0.1/16", "fd01::1/64"],
      physical: true,
      defaultRoute: false,
    },
    {
      name: "eth2",
      index: 4,
      mac: undefined,
      mtu: 1500,
      up: true,
      carrier: false,
      addresses: [],
      physical: true,
      defaultRoute: false,
    },
    {
      name: "br0",
      index: 5,
      mac: undefined,
      mtu: 1500,
      up: false,
      carrier: false,
      addresses: [],
      physical: false,
      defaultRoute: false,
    },
  ]);
});

test("reads only those that a device may be behind, and VLANs over them, where that is all that counts", async () => {
  const more = {
    ...links,
    vlan: linkBody({ index: 6, name: "eth1.5", kind: "vlan", link: 3 }),
    veth: linkBody({ index: 7, name: "veth0", kind: "veth" }),
    unknown: linkBody({ index: 8, name: "new0", kind: "newkind" }),
  };
  const usual = kernel([]);
  const netlink = fakeNetlink((request) =>
    request.type === k.RTM_GETLINK ? Object.values(more) : usual(request),
  );
  const nics = await readNics({ netlink, sys }, { withDevice: true });
  expect(nics.map(({ name, physical }) => `${name} ${physical}`)).toEqual([
    "eth0 true",
    "eth1 true",
    "eth2 true",
    "br0 false",
    "eth1.5 true",
    "new0 false",
  ]);
});

test("every nexthop of an ECMP default route counts", async () => {
  const nics = await readNics({ netlink: fakeNetlink(kernel([defaultEcmp])), sys });
  expect(nics.filter(({ defaultRoute: has }) => has).map(({ name }) => name)).toEqual(["eth0", "eth2"]);
});

test("a host without any IPv4 route, whose main table the kernel has not made, has no default route", async () => {
  const nics = await readNics({ netlink: fakeNetlink(kernel(ENOENT)), sys });
  expect(nics.map(({ name, defaultRoute: has }) => `${name} ${has}`)).toEqual([
    "eth0 false",
    "eth1 false",
    "eth2 false",
    "br0 false",
  ]);
});

test("VLANs and bonds over physical NICs are physical too, and so are VLANs over those", async () => {
  const bodies = [
    linkBody({ index: 2, name: "eth0", master: 6 }),
    linkBody({ index: 3, name: "eth1" }),
    linkBody({ index: 5, name: "eth1.7", kind: "vlan", link: 3 }),
    linkBody({ index: 6, name: "bond0", kind: "bond" }),
    linkBody({ index: 7, name: "bond0.7", kind: "vlan", link: 6 }),
    linkBody({ index: 8, name: "bond1", kind: "bond" }),
    linkBody({ index: 9, name: "br0", kind: "bridge" }),
    linkBody({ index: 10, name: "br0.7", kind: "vlan", link: 9 }),
    linkBody({ index: 11, name: "moved.7", kind: "vlan", link: 3, linkNetnsid: 0 }),
  ];
  const netlink = fakeNetlink(({ type }) => (type === k.RTM_GETLINK ? bodies : []));
  const nics = await readNics({ netlink, sys });
  expect(nics.filter(({ physical }) => physical).map(({ name }) => name)).toEqual([
    "eth0",
    "eth1",
    "eth1.7",
    "bond0",
    "bond0.7",
  ]);
});

test("named NICs are looked up one by one, those that there are, in their order, without a dump of the links", async () => {
  const netlink = fakeNetlink(kernel([]));
  const nics = await readNicsByName({ netlink, sys }, ["eth1", "eth9", "eth0"], { addresses: true });
  expect(nics.map(({ name, addresses: found }) => `${name} ${found.map(formatCidr).join(" ")}`)).toEqual([
    "eth1 10.1.0.1/16 fd01::1/64",
    "eth0 192.0.2.1/24",
  ]);
  expect(
    netlink.requests.filter(({ type, flags }) => type === k.RTM_GETLINK && flags & k.NLM_F_DUMP),
  ).toEqual([]);
});

test("addresses that nobody needs are not read", async () => {
  const netlink = fakeNetlink(kernel([]));
  await readNicsByName({ netlink, sys }, ["eth1"], { addresses: false });
  expect(netlink.requests.map(({ label }) => label)).toEqual(["look up eth1"]);
});

test("NICs on networks are found by their addresses, and no other link is looked at", async () => {
  const netlink = fakeNetlink(kernel([]));
  const nets = ["10.1.0.0/16", "172.31.0.0/24"].map(parseCidr);
  const nics = await readNicsOnNets({ netlink, sys }, nets);
  const [known] = (await readNics({ netlink: fakeNetlink(kernel([])), sys })).filter(
    ({ name }) => name === "eth1",
  );
  expect(nics).toEqual([known]);
  expect(netlink.requests.filter(({ type }) => type === k.RTM_GETLINK)).toEqual([
    getLinkByIndex(known?.index ?? 0),
  ]);
});
