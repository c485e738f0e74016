import { describe, expect, test } from "vitest";
import type { Invocation } from "../../../lib/cni/invocation.ts";
import type { JsonObject } from "../../../lib/cni/json.ts";
import { formatCidr } from "../../../lib/net/address.ts";
import { type MultiNicConf, parseMultiNicConf } from "../../../plugins/multi-nic/conf.ts";
import { invocationOf } from "./invocation.ts";

const parse = (conf: JsonObject, more: Partial<Invocation> = {}): MultiNicConf =>
  parseMultiNicConf(invocationOf(conf, more));

/** multi-config with so many masters. */
const masters = (count: number): JsonObject => ({
  type: "multi-config",
  args: Object.fromEntries(Array.from({ length: count }, (_, i) => [`e${i}`, { ipam_type: "static" }])),
});

const accepted: [title: string, conf: JsonObject, parsed: object][] = [
  [
    "ipvlan is l2 and bridge by default",
    {},
    { link: { kind: { kind: "ipvlan", mode: "l2", flag: "bridge" }, mtu: undefined } },
  ],
  [
    "ipvlan takes mode, flag and MTU",
    { plugin: { type: "ipvlan", mode: "l3s", flag: "vepa", mtu: 1400 } },
    { link: { kind: { kind: "ipvlan", mode: "l3s", flag: "vepa" }, mtu: 1400 } },
  ],
  [
    "macvlan is bridge by default",
    { plugin: { type: "macvlan" } },
    { link: { kind: { kind: "macvlan", mode: "bridge" } } },
  ],
  ["vlan takes an id", { plugin: { type: "vlan", vlan: 7 } }, { link: { kind: { kind: "vlan", id: 7 } } }],
  [
    "vlan takes an id under the name that the Go plugin has",
    { plugin: { type: "vlan", vlanId: 4094 } },
    { link: { kind: { kind: "vlan", id: 4094 } } },
  ],
  ["an MTU of 0 is the master's", { plugin: { type: "macvlan", mtu: 0 } }, { link: { mtu: undefined } }],
  ["no ipam section is no IPAM", {}, { ipam: { mode: "none" } }],
  ["an empty ipam section is no IPAM", { ipam: {} }, { ipam: { mode: "none" } }],
  ["our IPAM answers for all NICs at once", { ipam: { type: "multi-nic-ipam" } }, { ipam: { mode: "own" } }],
  [
    "another IPAM is called for each NIC",
    { ipam: { type: "host-local" } },
    { ipam: { mode: "delegate", type: "host-local", each: true } },
  ],
  [
    "another IPAM is called once with multiNICIPAM",
    { ipam: { type: "their-ipam" }, multiNICIPAM: true },
    { ipam: { mode: "delegate", type: "their-ipam", each: false } },
  ],
  [
    "host-device-ipam gives a lent NIC its own addresses",
    { plugin: { type: "host-device" }, ipam: { type: "host-device-ipam" }, multiNICIPAM: true },
    { ipam: { mode: "host" } },
  ],
  [
    "mellanox is host-device, as the Go project's operator writes it",
    { plugin: { type: "mellanox", mtu: 9000 } },
    { link: { kind: { kind: "host-device" }, mtu: 9000 } },
  ],
  [
    "mellanox takes devices of several resources, and their own addresses",
    {
      plugin: { cniVersion: "0.3.1", type: "mellanox" },
      ipam: { type: "host-device-ipam" },
      deviceID: "0000:3b:00.1,0000:5e:00.1",
    },
    { devices: [{ value: "0000:3b:00.1" }, { value: "0000:5e:00.1" }], ipam: { mode: "host" } },
  ],
  ["an IPAM for as many masters as a pod can have", { ipam: masters(256) }, { ipam: { mode: "delegate" } }],
  [
    "another plugin's configuration, however long a result is in it",
    { ipam: { type: "their-ipam" }, prevResult: { cniVersion: "1.1.0", x: "x".repeat(65536) } },
    { ipam: { mode: "delegate" } },
  ],
  [
    "null stands for nothing, as upstream's operator writes it",
    { masterNets: null, masters: null, args: { cni: null } },
    { masterNets: [], masters: [] },
  ],
  [
    "keys are matched in any case, as Go does",
    { MASTERS: ["eth1"], SourceRouting: true },
    { masters: ["eth1"], sourceRouting: true },
  ],
  ["nics: 0 is not given", { args: { cni: { nics: 0 } } }, { choice: { nics: undefined, masters: [] } }],
  [
    "masters and master of the pod count alike",
    { args: { cni: { masters: ["eth1"], master: "eth2", nics: 2 } } },
    { choice: { nics: 2, masters: ["eth1", "eth2"] } },
  ],
  [
    "a MAC is written in lower case",
    { plugin: { type: "macvlan", mac: "02:00:00:00:00:AB" } },
    { mac: "02:00:00:00:00:ab" },
  ],
  [
    "runtimeConfig.mac wins over the configuration's",
    { plugin: { type: "macvlan", mac: "02:00:00:00:00:01" }, runtimeConfig: { mac: "02:00:00:00:00:02" } },
    { mac: "02:00:00:00:00:02" },
  ],
];

const upstream = {
  cniVersion: "0.3.0",
  name: "multi-nic-sample",
  type: "multi-nic",
  ipam: { type: "multi-nic-ipam", hostBlock: 6, interfaceBlock: 2, vlanMode: "l3" },
  dns: {},
  plugin: { cniVersion: "0.3.0", type: "ipvlan", mode: "l3" },
  subnet: "192.168.0.0/16",
  masterNets: ["10.0.1.0/24", "10.0.2.0/24"],
  multiNICIPAM: true,
  daemonIP: "",
  daemonPort: 11000,
};

const refused: [title: string, conf: JsonObject, code: number, message: RegExp][] = [
  ...[
    "infra-dpu-cni",
    "multi-nic",
    "multi-nic-cni",
    "multi-nic-concheck",
    "multi-nic-doctor",
    "multi-nicd",
  ].flatMap((type): (typeof refused)[number][] => [
    [
      `${type} for the IPAM`,
      { ipam: { type } },
      7,
      new RegExp(`^ipam\\.type: "${type}" gives no addresses; write "multi-nic-ipam", or`),
    ],
    [
      `${type} for the IPAM, called once for all NICs`,
      { ipam: { type }, multiNICIPAM: true },
      7,
      /^ipam\.type: .* gives no addresses/,
    ],
    [
      `${type} for the IPAM of a master`,
      { ipam: { type: "multi-config", args: { eth1: { ipam_type: type } } } },
      7,
      /^ipam\.args\.eth1\.ipam_type: .* gives no addresses/,
    ],
  ]),
  [
    "an IPAM for more masters than a pod can have",
    { ipam: masters(257) },
    7,
    /^ipam\.args: .* has more masters than the 256 that one attachment can have; leave out/,
  ],
  [
    "another plugin's configuration of a length that no NIC needs",
    { ipam: { type: "their-ipam" }, x: "x".repeat(65536) },
    7,
    /^ipam\.type: the configuration has 65\d{3} characters, .* 65536 at most; write a shorter one/,
  ],
  ["no plugin", { plugin: null }, 7, /^plugin: is missing; write "plugin": \{"type": "ipvlan"/],
  [
    "a kind of link that we do not make",
    { plugin: { type: "bond" } },
    2,
    /^plugin\.type: "bond" is not a kind of link/,
  ],
  [
    "a kind named as something that every object has",
    { plugin: { type: "constructor" } },
    2,
    /"constructor" is not a kind/,
  ],
  [
    "an unknown ipvlan mode",
    { plugin: { type: "ipvlan", mode: "l4" } },
    7,
    /^plugin\.mode: "l4" is not one of "l2", "l3", "l3s"/,
  ],
  [
    "an unknown ipvlan flag",
    { plugin: { type: "ipvlan", flag: "both" } },
    7,
    /^plugin\.flag: "both" is not one of "bridge", "private", "vepa"/,
  ],
  [
    "an unknown macvlan mode",
    { plugin: { type: "macvlan", mode: "source" } },
    7,
    /^plugin\.mode: "source" is not one of/,
  ],
  [
    "a vlan of no id",
    { plugin: { type: "vlan" } },
    7,
    /^plugin\.vlan: is missing; write a VLAN id from 1 to 4094/,
  ],
  ["a vlan of id 0", { plugin: { type: "vlan", vlan: 0 } }, 7, /^plugin\.vlan: 0 is not at least 1/],
  [
    "a vlan of id 4095",
    { plugin: { type: "vlan", vlan: 4095 } },
    7,
    /^plugin\.vlan: 4095 is no VLAN id; write one from 1 to 4094/,
  ],
  ["a vlan in quotes", { plugin: { type: "vlan", vlanId: "7" } }, 7, /^plugin\.vlanId: "7" is not a/],
  [
    "a master inside the pod",
    { plugin: { type: "macvlan", linkInContainer: true } },
    7,
    /^plugin\.linkInContainer: true/,
  ],
  ["a negative MTU", { plugin: { type: "macvlan", mtu: -1 } }, 7, /^plugin\.mtu: -1/],
  ["masters that are no list", { masters: "eth1" }, 7, /^masters: "eth1" is not a list/],
  ["a network that is none", { masterNets: ["10.0.0.0"] }, 7, /^masterNets: "10\.0\.0\.0" is no network/],
  ["an unknown naming", { naming: "exact" }, 7, /^naming: "exact" is not one of "indexed", "first-exact"/],
  ["half a NIC", { args: { cni: { nics: 1.5 } } }, 7, /^args\.cni\.nics: 1\.5/],
  [
    "a multicast MAC",
    { plugin: { type: "macvlan", mac: "01:00:5e:00:00:01" } },
    7,
    /^plugin\.mac: "01:00:5e:00:00:01" is no MAC address/,
  ],
  [
    "addresses that go along with a NIC that stays",
    { plugin: { type: "macvlan" }, ipam: { type: "host-device-ipam" } },
    7,
    /^ipam\.type: "host-device-ipam" moves .* plugin\.type macvlan leaves/,
  ],
  [
    "our IPAM once for each NIC",
    { ipam: { type: "multi-nic-ipam" }, multiNICIPAM: false },
    7,
    /^multiNICIPAM: false/,
  ],
];

describe("parseMultiNicConf", () => {
  test.each(accepted)("accepts: %s", (_title, conf, parsed) => {
    expect(parse(conf)).toMatchObject(parsed);
  });

  test("accepts upstream's configuration as its operator writes it", () => {
    const conf = parse(upstream);
    expect(conf).toMatchObject({
      link: { kind: { kind: "ipvlan", mode: "l3" } },
      ipam: { mode: "own" },
      naming: "indexed",
    });
    expect(conf.masterNets.map(formatCidr)).toEqual(["10.0.1.0/24", "10.0.2.0/24"]);
  });

  test("CNI_ARGS MAC wins over the configuration's", () => {
    const args = new Map([["MAC", "02:00:00:00:00:09"]]);
    expect(parse({ plugin: { type: "macvlan", mac: "02:00:00:00:00:01" } }, { args }).mac).toBe(
      "02:00:00:00:00:09",
    );
  });

  test.each(refused)("refuses: %s", (_title, conf, code, message) => {
    expect(() => parse(conf)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });
});
