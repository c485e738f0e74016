import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../../lib/cni/json.ts";
import { parseAddress, parseCidr } from "../../../lib/net/address.ts";
import type { Nic } from "../../../lib/nic/nic.ts";
import { parseMultiNicConf } from "../../../plugins/multi-nic/conf.ts";
import { isLentGroup, lends, lentGroup, mostDevices } from "../../../plugins/multi-nic/device/device.ts";
import { groupOf, isTableOf, planAttachment, planLinks } from "../../../plugins/multi-nic/plan.ts";
import { decodePlan, encodePlan } from "../../../plugins/multi-nic/plan-json.ts";
import { invocationOf } from "./invocation.ts";

const nic = (name: string, index: number, mtu = 1500): Nic => ({
  name,
  index,
  mtu,
  mac: undefined,
  up: true,
  carrier: true,
  addresses: [],
  physical: true,
  defaultRoute: false,
});

const selected = (count: number, mtu?: number) =>
  Array.from({ length: count }, (_, i) => ({ nic: nic(`eth${i + 1}`, i + 10, mtu), interfaceIndex: i }));

function links(conf: JsonObject, count = 2, ifname = "net1", mtu?: number) {
  return planLinks(parseMultiNicConf(invocationOf(conf)), selected(count, mtu), ifname);
}

describe("planLinks", () => {
  test("names the links after CNI_IFNAME, as upstream does", () => {
    expect(links({}, 3).map(({ ifname }) => ifname)).toEqual(["net1-0", "net1-1", "net1-2"]);
  });

  test("first-exact gives the first link CNI_IFNAME itself", () => {
    expect(links({ naming: "first-exact" }, 3, "eth0").map(({ ifname }) => ifname)).toEqual([
      "eth0",
      "eth0-1",
      "eth0-2",
    ]);
  });

  test("takes the master's MTU, or a smaller one", () => {
    expect(links({}, 1, "net1", 9000)).toMatchObject([{ mtu: 9000, master: "eth1", masterIndex: 10 }]);
    expect(links({ plugin: { type: "ipvlan", mtu: 1400 } }, 1, "net1", 9000)).toMatchObject([{ mtu: 1400 }]);
  });

  test("15 characters are the longest name, and the eleventh NIC needs one more", () => {
    expect(links({}, 10, "abcdefghijklm").at(-1)?.ifname).toBe("abcdefghijklm-9");
    expect(() => links({}, 11, "abcdefghijklm")).toThrow(
      expect.objectContaining({
        code: 4,
        message: expect.stringMatching(/makes "abcdefghijklm-10", longer than the 15 .* at most 12/),
      }),
    );
    expect(links({ naming: "first-exact" }, 1, "abcdefghijklmno")).toHaveLength(1);
  });

  const refused: [title: string, plugin: JsonObject, count: number, message: RegExp][] = [
    [
      "an MTU above the master's",
      { type: "macvlan", mtu: 1501 },
      1,
      /^plugin\.mtu: 1501 is more than 1500, the MTU of eth1/,
    ],
    [
      "a MAC for an ipvlan",
      { type: "ipvlan", mac: "02:00:00:00:00:01" },
      1,
      /^mac: .* ipvlan l2 has its master's/,
    ],
    [
      "a MAC for a passthru macvlan",
      { type: "macvlan", mode: "passthru", mac: "02:00:00:00:00:01" },
      1,
      /^mac: .* macvlan passthru has its master's/,
    ],
    [
      "one MAC for two links",
      { type: "macvlan", mac: "02:00:00:00:00:01" },
      2,
      /^mac: .* 2 NICs are attached; choose one/,
    ],
    ["more NICs than an attachment has tables", { type: "macvlan" }, 257, /257 NICs are more than the 256/],
  ];
  test.each(refused)("refuses: %s", (_title, plugin, count, message) => {
    expect(() => links({ plugin }, count)).toThrow(
      expect.objectContaining({ code: 7, message: expect.stringMatching(message) }),
    );
  });
});

const key = { network: "n1", containerId: "c1", ifname: "net1" };

const device = {
  folder: "pci0000:00/0000:00:01.0/0000:01:10.0",
  pciID: "0000:01:10.0",
  port: 0,
  mac: "02:00:00:00:00:01",
  mtu: 1500,
  up: false,
  group: 0,
  alias: "",
  altNames: ["enp1s0f0v0"],
  vf: {
    pf: "eth0",
    pfIndex: 2,
    number: 0,
    was: { mac: "00:00:00:00:00:00", vlan: { vlan: 0, qos: 0, proto: "802.1q" as const }, trust: false },
  },
};

describe("a plan of devices", () => {
  const conf = parseMultiNicConf(invocationOf({ plugin: { type: "sriov", vlan: 7 }, deviceID: "01:10.0" }));
  const nics = [{ nic: { ...nic("eth3", 5), device }, interfaceIndex: 0 }];
  const links = planLinks(conf, nics, "net1");

  test("has each as it was, and what is to be set of it", () => {
    const kind = { kind: "sriov", vf: { vlan: { vlan: 7, qos: 0, proto: "802.1q" } } };
    expect(links).toMatchObject([{ ifname: "net1-0", master: "eth3", masterIndex: 5, kind, device }]);
  });

  test("survives the store as it is", () => {
    const plan = planAttachment(key, conf, links, { nics: [[]], routes: [], dns: {} }, []);
    expect(decodePlan(encodePlan(plan))).toEqual(plan);
    expect(lends(decodePlan(encodePlan(plan)))).toBe(true);
  });

  test("cannot be of NICs that nobody looked at as devices", () => {
    expect(() => planLinks(conf, selected(1), "net1")).toThrow(/eth1 is no device that can be lent/);
  });

  test("has a group for each, outside those that links are deleted by", () => {
    for (let i = 0; i < 2000; i++) {
      const group = groupOf({ ...key, containerId: `c${i}` });
      const lent = lentGroup(group, mostDevices - 1);
      expect(lent).toBeLessThan(0x40000000);
      expect(isLentGroup({ ...key, containerId: `c${i}` }, lent)).toBe(true);
      expect(isLentGroup({ ...key, containerId: `c${i}` }, lent + 1)).toBe(false);
    }
  });
});

describe("groupOf", () => {
  test("is the same for the same attachment, and another for another", () => {
    const groups = [
      key,
      { ...key, ifname: "net2" },
      { ...key, containerId: "c2" },
      { ...key, network: "n2" },
    ].map(groupOf);
    expect(new Set(groups).size).toBe(4);
    expect(groupOf({ ...key })).toBe(groups[0]);
  });

  test("is never a group or a table that somebody else uses by default, and leaves 8 bits for the NICs", () => {
    for (let i = 0; i < 2000; i++) {
      const group = groupOf({ ...key, containerId: `c${i}` });
      expect(group).toBeGreaterThanOrEqual(0x40000000);
      expect(group).toBeLessThan(0x80000000);
      expect(group % 256).toBe(0);
      expect([
        isTableOf(group, group),
        isTableOf(group, group + 255),
        isTableOf(group, group + 256),
        isTableOf(group, 254),
      ]).toEqual([true, true, false, false]);
    }
  });
});

describe("planAttachment", () => {
  const addressing = {
    nics: [
      [
        { cidr: parseCidr("192.168.0.1/18"), gateway: parseAddress("192.168.0.254") },
        { cidr: parseCidr("fd00::1/64") },
      ],
      [{ cidr: parseCidr("192.168.64.1/18") }],
    ],
    routes: [{ dst: parseCidr("10.0.0.0/8"), gateway: parseAddress("192.168.0.254"), mtu: 1400 }],
    dns: { nameservers: ["10.0.0.53"] },
  };
  const delegates = [{ type: "host-local", ifname: "net1-0", conf: '{"$ip":"no address of ours"}' }];
  const conf = parseMultiNicConf(invocationOf({ sourceRouting: true }));
  const plan = planAttachment(key, conf, links({}), addressing, delegates);

  test("puts each NIC's addresses on its link, and source routes into the attachment's own tables", () => {
    expect(plan.links.map(({ addresses }) => addresses.length)).toEqual([2, 1]);
    expect(plan.rules.map(({ table }) => table - plan.group)).toEqual([0, 0, 1]);
    expect(plan.routes.every(({ table }) => table === 254 || isTableOf(plan.group, table))).toBe(true);
  });

  test("survives the store as it is, and a delegate's configuration is not taken apart", () => {
    // toEqual takes an absent key for an undefined one, and so does every reader of a plan.
    expect(decodePlan(encodePlan(plan))).toEqual(plan);
    expect(encodePlan(plan)).toContain('{"$cidr":"192.168.0.1/18"}');
  });

  test("the configuration's dns wins over the IPAM's", () => {
    expect(plan.dns).toEqual({ nameservers: ["10.0.0.53"] });
    expect(planAttachment(key, { ...conf, dns: { domain: "d" } }, links({}), addressing, []).dns).toEqual({
      domain: "d",
    });
  });
});
