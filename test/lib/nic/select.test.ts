import { describe, expect, test } from "vitest";
import { parseCidr } from "../../../lib/net/address.ts";
import type { Nic } from "../../../lib/nic/nic.ts";
import type { Offer } from "../../../lib/nic/offer.ts";
import { type Needs, type PodChoice, selectNics } from "../../../lib/nic/select.ts";

function nic(name: string, addresses: string[] = [], traits: Partial<Nic> = {}): Nic {
  const index = Number(name.match(/\d+$/)?.[0] ?? 0) + 1;
  const plain = { mac: undefined, mtu: 1500, up: true, carrier: true, physical: true, defaultRoute: false };
  return { name, index, addresses: addresses.map(parseCidr), ...plain, ...traits };
}

const host: readonly Nic[] = [
  nic("eth10", ["10.10.0.1/16"]),
  nic("eth0", ["192.0.2.1/24"], { defaultRoute: true }),
  nic("eth2", ["10.2.0.1/16"]),
  nic("eth1", ["10.1.0.1/16", "fd01::1/64"]),
  nic("eth3", [], {}),
  nic("eth4", ["10.4.0.1/16"], { up: false, carrier: false }),
  nic("eth5", ["10.5.0.1/16"], { carrier: false }),
  nic("eth6", ["10.2.0.2/16"]),
  nic("br0", ["10.99.0.1/16"], { physical: false }),
];

interface Case {
  readonly offer?: Partial<Omit<Offer, "masterNets"> & { masterNets: string[] }>;
  readonly choice?: Partial<PodChoice>;
  readonly needs?: Needs;
}

function select({ offer = {}, choice = {}, needs = { addressFor: undefined } }: Case) {
  const masterNets = (offer.masterNets ?? []).map(parseCidr);
  return selectNics(
    host,
    { masters: offer.masters ?? [], masterNets, nodeMasters: offer.nodeMasters },
    { nics: choice.nics, masters: choice.masters ?? [] },
    needs,
  ).map(({ nic: { name }, interfaceIndex }) => `${name}=${interfaceIndex}`);
}

const chosen: [title: string, given: Case, nics: string[]][] = [
  [
    "a network that names its masters needs none of the node file's",
    { offer: { masters: ["eth2"], nodeMasters: [] } },
    ["eth2=0"],
  ],
  ["masters are taken in their order", { offer: { masters: ["eth2", "eth1"] } }, ["eth2=0", "eth1=1"]],
  ["a virtual link may be a master that is named", { offer: { masters: ["br0"] } }, ["br0=0"]],
  ["the default route's NIC may be named", { offer: { masters: ["eth0"] } }, ["eth0=0"]],
  ["a master without an address will do for L2", { offer: { masters: ["eth3"] } }, ["eth3=0"]],
  [
    "all secondary NICs: physical, up, with an address, less the default route's; one that is down keeps its index",
    {},
    ["eth1=0", "eth2=1", "eth6=5", "eth10=6"],
  ],
  [
    "masterNets are taken in their order, whichever family",
    { offer: { masterNets: ["10.10.0.0/16", "fd01::/64"] } },
    ["eth10=0", "eth1=1"],
  ],
  [
    "a network whose NIC is down keeps its index",
    { offer: { masterNets: ["10.4.0.0/16", "10.1.0.0/16"] } },
    ["eth1=1"],
  ],
  [
    "several NICs on one network stay several, with indexes behind the networks'",
    { offer: { masterNets: ["10.2.0.0/16", "10.1.0.0/16"] } },
    ["eth2=0", "eth1=1", "eth6=2"],
  ],
  [
    "a NIC on two of the networks counts once",
    { offer: { masterNets: ["10.1.0.0/16", "fd01::/64"] } },
    ["eth1=0"],
  ],
  [
    "the node file's masters hold where the network names none",
    { offer: { nodeMasters: [{ name: "eth2", interfaceIndex: 3 }] } },
    ["eth2=3"],
  ],
  [
    "the node file's indexes hold where the network names masters",
    { offer: { masters: ["eth1", "eth2"], nodeMasters: [{ name: "eth1", interfaceIndex: 7 }] } },
    ["eth1=7", "eth2=1"],
  ],
  [
    "nics cuts the list",
    { offer: { masters: ["eth2", "eth1", "eth10"] }, choice: { nics: 2 } },
    ["eth2=0", "eth1=1"],
  ],
  [
    "the pod's masters keep the network's order and indexes",
    { offer: { masters: ["eth2", "eth1", "eth10"] }, choice: { masters: ["eth10", "eth1"] } },
    ["eth1=1", "eth10=2"],
  ],
  [
    "nics counts among the pod's masters",
    { offer: { masters: ["eth2", "eth1", "eth10"] }, choice: { masters: ["eth10", "eth1"], nics: 1 } },
    ["eth1=1"],
  ],
  ["a master named twice by the pod counts once", { choice: { masters: ["eth1", "eth1"] } }, ["eth1=0"]],
];

const l3: Needs = { addressFor: "plugin.mode l3" };

const refused: [title: string, given: Case, message: RegExp][] = [
  [
    "an unknown master",
    { offer: { masters: ["eth9"] } },
    /^masters: "eth9" is no link of this host; name one of: br0, eth0, eth1/,
  ],
  [
    "a master whose name would drown the message",
    { offer: { masters: ["x".repeat(4_000_000)] } },
    /^masters: "x{117}\.\.\." is no link of this host; name one of/,
  ],
  [
    "a master named twice",
    { offer: { masters: ["eth1", "eth1"] } },
    /"eth1" is named twice; name each NIC once/,
  ],
  ["a master that is down", { offer: { masters: ["eth4"] } }, /"eth4" is down; run: ip link set eth4 up/],
  ["a master without carrier", { offer: { masters: ["eth5"] } }, /"eth5" has no carrier; check its cable/],
  [
    "a master without an address, where L3 needs one",
    { offer: { masters: ["eth3"] }, needs: l3 },
    /"eth3" has no address, which plugin.mode l3 needs/,
  ],
  [
    "networks that no NIC is on",
    { offer: { masterNets: ["10.77.0.0/16"] } },
    /^masterNets: no NIC of this host .* in 10\.77\.0\.0\/16; its NICs: br0 \(up, 10\.99\.0\.1\/16, virtual\)/,
  ],
  [
    "networks whose NICs are all down",
    { offer: { masterNets: ["10.4.0.0/16"] } },
    /^masterNets: no NIC of this host that is up/,
  ],
  [
    "more NICs than there are",
    { offer: { masters: ["eth1", "eth2"] }, choice: { nics: 3 } },
    /^args\.cni\.nics: 3 are asked for and 2 can be had \(eth1, eth2\)/,
  ],
  [
    "a pod's master that the network does not offer",
    { offer: { masters: ["eth1"] }, choice: { masters: ["eth2"] } },
    /^args\.cni\.masters: "eth2" is not offered by this network; name one of: eth1/,
  ],
  [
    "a node file that says there is no NIC, though the host has some",
    { offer: { nodeMasters: [] } },
    /^node file: masters: is empty, .* cluster file .*multi-nicd routes.*its NICs: br0 .*eth1 \(up, 10\.1\.0\.1/,
  ],
  [
    "one index for two NICs, by a node file that names only one of them",
    { offer: { masters: ["eth1", "eth2"], nodeMasters: [{ name: "eth2", interfaceIndex: 0 }] } },
    /"eth2" and "eth1" would both have interface index 0/,
  ],
];

describe("selectNics", () => {
  test.each(chosen)("chooses: %s", (_title, given, nics) => {
    expect(select(given)).toEqual(nics);
  });

  test.each(refused)("refuses: %s", (_title, given, message) => {
    expect(() => select(given)).toThrow(
      expect.objectContaining({ code: 7, message: expect.stringMatching(message) }),
    );
  });

  test("refuses a host without a secondary NIC, naming what it has", () => {
    const none: Offer = { masters: [], masterNets: [], nodeMasters: undefined };
    const only = [nic("eth0", ["192.0.2.1/24"], { defaultRoute: true })];
    expect(() => selectNics(only, none, { nics: undefined, masters: [] }, { addressFor: undefined })).toThrow(
      /no secondary NIC .* eth0 \(up, 192\.0\.2\.1\/24, default route\)/,
    );
  });
});
