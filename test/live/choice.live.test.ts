import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JsonObject } from "../../lib/cni/json.ts";
import { attached } from "./attached.ts";
import { conf, firstAddress, pool } from "./conf.ts";
import { describeWhere, linkKind } from "./kernel.ts";
import { addressesOf, linkOf, linksOf } from "./kernel-state.ts";
import { makeNamespace, type Namespace } from "./namespaces.ts";
import { emptyStore, makeNode, type Node, storeOf, writeNodeFile } from "./node.ts";
import { add, succeed } from "./plugin.ts";

let node: Node;
beforeAll(() => {
  node = makeNode(4);
});
afterAll(() => node[Symbol.dispose]());

let count = 0;
/** A network of its own for each row, so that all start from the first addresses. */
const fresh = (...more: readonly JsonObject[]) => conf({ name: `choice-${++count}` }, ...more);

/** The masters of the pod's links, in their order. */
function mastersOf(pod: Namespace): string[] {
  const names = new Map(linksOf(node.host).map(({ ifindex, ifname }) => [ifindex, ifname]));
  return linksOf(pod)
    .filter(({ ifname }) => ifname.startsWith("net1"))
    .sort((a, b) => a.ifname.localeCompare(b.ifname))
    .map(({ link_index = 0 }) => names.get(link_index) ?? `link ${link_index}`);
}

const indexes = (...pairs: readonly [string, number][]) => ({
  hostIndex: 3,
  masters: pairs.map(([name, interfaceIndex]) => ({ name, interfaceIndex })),
});

interface Row {
  readonly title: string;
  readonly conf: JsonObject;
  readonly nodeFile?: object;
  readonly masters: readonly string[];
  readonly addresses?: readonly string[];
}

const rows: readonly Row[] = [
  {
    title: "masters, in the order they are written in",
    conf: { masters: ["eth3", "eth1"] },
    masters: ["eth3", "eth1"],
    addresses: [firstAddress(4, 0), firstAddress(4, 1)],
  },
  {
    title: "masterNets, each NIC with the index of its network",
    conf: { masterNets: ["10.4.0.0/24", "10.2.0.0/24"] },
    masters: ["eth4", "eth2"],
    addresses: [firstAddress(4, 0), firstAddress(4, 1)],
  },
  {
    title: "the masters of the node file, with its indexes and host index",
    conf: { ...pool([4], { hostIndex: undefined }) },
    nodeFile: indexes(["eth2", 5], ["eth4", 1]),
    masters: ["eth2", "eth4"],
    addresses: [firstAddress(4, 5, 3), firstAddress(4, 1, 3)],
  },
  {
    title: "the node file where masterNets is null, as upstream's operator writes none",
    conf: { masterNets: null },
    nodeFile: indexes(["eth3", 0]),
    masters: ["eth3"],
  },
  {
    title: "a host index of the configuration before that of the node file",
    conf: { masters: ["eth1"] },
    nodeFile: indexes(),
    masters: ["eth1"],
    addresses: [firstAddress(4, 0, 1)],
  },
  {
    title: "cni-args nics, the first ones",
    conf: { masters: ["eth1", "eth2", "eth3"], args: { cni: { nics: 2 } } },
    masters: ["eth1", "eth2"],
  },
  {
    title: "cni-args masters, which keep the block of their place in the network",
    conf: { masters: ["eth1", "eth2", "eth3"], args: { cni: { masters: ["eth3", "eth2"] } } },
    masters: ["eth2", "eth3"],
    addresses: [firstAddress(4, 1), firstAddress(4, 2)],
  },
  {
    title: "cni-args master, the name that upstream's documents use",
    conf: { masters: ["eth1", "eth2"], args: { cni: { master: "eth2" } } },
    masters: ["eth2"],
    addresses: [firstAddress(4, 1)],
  },
  {
    title: "cni-args nics: 0 and empty masters, as upstream's structures write what is not given",
    conf: { masters: ["eth1", "eth2"], args: { cni: { nics: 0, masters: [], target: "", class: "" } } },
    masters: ["eth1", "eth2"],
  },
  {
    title: "keys in any case, as Go matches them",
    conf: { MASTERS: ["eth2"], Plugin: { Type: "macvlan" }, plugin: undefined },
    masters: ["eth2"],
  },
];

describe("NICs are chosen by", () => {
  test.each(rows)("$title", async ({ conf: more, nodeFile, masters, addresses }) => {
    const network = fresh(more);
    if (nodeFile !== undefined) writeNodeFile(node, String(network.name), nodeFile);
    await attached(node, network, (pod, result) => {
      expect(mastersOf(pod)).toEqual(masters);
      if (addresses) expect(result.ips.map(({ address }) => address)).toEqual(addresses);
    });
  });
});

describe("interfaces are named", () => {
  test.each([
    ["<ifname>-<place> by default", {}, ["net1-0", "net1-1"]],
    ["with the first one exactly as asked by first-exact", { naming: "first-exact" }, ["net1", "net1-1"]],
  ])("%s", async (_, more, names) => {
    await attached(node, fresh({ masters: ["eth1", "eth2"] }, more), (pod, { interfaces }) => {
      expect(interfaces.map(({ name }) => name)).toEqual(names);
      for (const name of names) expect(linkOf(pod, name).flags).toContain("UP");
    });
  });
});

const mac = "02:00:00:00:00:a1";
const settings: readonly (readonly [string, JsonObject, string | undefined, object])[] = [
  ["an MTU below the master's", { plugin: { type: "macvlan", mtu: 1400 } }, undefined, { mtu: 1400 }],
  ["a MAC of the configuration", { plugin: { type: "macvlan", mac } }, undefined, { address: mac }],
  [
    "a MAC of CNI_ARGS before it",
    { plugin: { type: "macvlan", mac: "02:00:00:00:00:a3" } },
    `MAC=${mac}`,
    { address: mac },
  ],
  [
    "a MAC of runtimeConfig before both",
    { runtimeConfig: { mac } },
    "MAC=02:00:00:00:00:a2",
    { address: mac },
  ],
  [
    "a bcqueuelen",
    { plugin: { type: "macvlan", bcqueuelen: 2000 } },
    undefined,
    { linkinfo: { info_data: { bcqueuelen: 2000 } } },
  ],
];

describe("links are made with", () => {
  test.each(settings)("%s", async (_, more, args, link) => {
    const network = fresh({ masters: ["eth1"] }, more);
    await attached(
      node,
      network,
      (pod) => expect(linkOf(pod, "net1-0")).toMatchObject(link),
      args ? { args } : {},
    );
  });

  test("the master's MTU where none is given", async () => {
    node.host.ip("link set eth4 mtu 1300");
    await attached(node, fresh({ masters: ["eth4"] }), (pod) => expect(linkOf(pod, "net1-0").mtu).toBe(1300));
  });
});

/** What the operator of foundation-model-stack/multi-nic-cni writes into a NetworkAttachmentDefinition. */
const upstream = (type: object) => ({
  cniVersion: "0.3.0",
  name: "upstream",
  type: "multi-nic",
  ipam: { type: "multi-nic-ipam", hostBlock: 6, interfaceBlock: 2, vlanMode: "l3" },
  dns: {},
  plugin: { cniVersion: "0.3.0", ...type },
  subnet: "192.168.0.0/16",
  masterNets: ["10.1.0.0/24", "10.2.0.0/24"],
  multiNICIPAM: true,
  daemonIP: "",
  daemonPort: 11000,
});

describe("a configuration of upstream's operator is accepted as it is", () => {
  const accepted = async (type: object) => {
    writeNodeFile(node, "upstream", { hostIndex: 0 });
    using pod = makeNamespace("pod");
    const at = {
      netns: pod.path,
      args: "IgnoreUnknown=true;K8S_POD_NAMESPACE=default;K8S_POD_NAME=a;K8S_POD_INFRA_CONTAINER_ID=c1;K8S_POD_UID=u",
    };
    await add(node, upstream(type), at);
    expect(mastersOf(pod)).toEqual(["eth1", "eth2"]);
    expect(addressesOf(pod, "net1-0")).toEqual([expect.stringMatching(/^192\.168\.0\.\d+\/18$/)]);
    expect(addressesOf(pod, "net1-1")).toEqual([expect.stringMatching(/^192\.168\.64\.\d+\/18$/)]);
    await succeed(node, "DEL", upstream(type), at);
    expect(storeOf(node)).toEqual(emptyStore);
  };
  test("with macvlan", () => accepted({ type: "macvlan" }));
  describeWhere(linkKind("ipvlan"), "with ipvlan", () => {
    test("l3", () => accepted({ type: "ipvlan", mode: "l3" }));
  });
});
