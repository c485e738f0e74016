import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { JsonObject } from "../../lib/cni/json.ts";
import { type BadInput, base, describeBadInput } from "./bad-input.ts";
import { conf, firstAddress } from "./conf.ts";
import { linksOf } from "./kernel-state.ts";
import { makeNamespace } from "./namespaces.ts";
import { makeNode, type Node } from "./node.ts";
import { add, refused, succeed, withPrevResult } from "./plugin.ts";

let node: Node;
beforeEach(() => {
  node = makeNode(4);
});
afterEach(() => node[Symbol.dispose]());

const masters = ["eth1", "eth2", "eth3", "eth4"];
const network = (attachPolicy: JsonObject, cni: JsonObject = {}, more: JsonObject = {}) =>
  conf({ masters, attachPolicy, args: { cni } }, more);

/** The first addresses of these NICs' blocks: which NICs a pod has got. */
const first = (...nics: readonly number[]) => nics.map((nic) => firstAddress(4, nic - 1));

let count = 0;

/** What a pod gets, and gives back. Each time of a network of its own, so that all start from the first addresses. */
async function gets(attachment: JsonObject, addresses: readonly string[]): Promise<void> {
  const fresh = { ...attachment, name: `policy-${++count}` };
  using pod = makeNamespace("pod");
  const at = { netns: pod.path };
  const result = await add(node, fresh, at);
  expect(result.ips.map(({ address }) => address)).toEqual(addresses);
  expect(result.interfaces.map(({ name }) => name)).toEqual(addresses.map((_, place) => `net1-${place}`));
  await succeed(node, "CHECK", withPrevResult(fresh, result), at);
  await succeed(node, "DEL", fresh, at);
  expect(linksOf(pod).map(({ ifname }) => ifname)).toEqual(["lo"]);
}

describe("by policy", () => {
  test("a NIC that is down or without carrier is left out, though it is named, and the others keep their blocks", async () => {
    node.host.ip("link set eth1 down");
    node.host.ip("link add dark0 type veth peer name dark1");
    node.host.ip("link set dark0 up");
    await gets(network({ strategy: "none" }, {}, { masters: [...masters, "dark0"] }), first(2, 3, 4));
  });

  test("pods that ask for one NIC each are spread over them, and a NIC that is given back is taken again", async () => {
    const wants = network({ strategy: "none" }, { nics: 1 });
    const pods = masters.map((_, at) => ({ at, pod: makeNamespace(`pod${at}`) }));
    try {
      for (const { at, pod } of pods) {
        const { ips } = await add(node, wants, { netns: pod.path, containerId: `c${at}` });
        expect(ips.map(({ address }) => address)).toEqual(first(at + 1));
      }
      const [, second] = pods;
      await succeed(node, "DEL", wants, { netns: second?.pod.path ?? "", containerId: "c1" });
      const { interfaces, ips } = await add(node, wants, {
        netns: second?.pod.path ?? "",
        containerId: "c9",
      });
      expect(interfaces).toHaveLength(1);
      // Of the second NIC's block again, though not the address that still rests.
      expect(ips[0]?.address).toMatch(/^192\.168\.33\.2\//);
    } finally {
      for (const { pod } of pods) pod[Symbol.dispose]();
    }
  });

  test("attachments of other networks count, and interfaces are in the network's order", async () => {
    using other = makeNamespace("other");
    const elsewhere = conf({ name: "elsewhere", masters: ["eth1"], ipam: {} });
    await add(node, elsewhere, { netns: other.path, containerId: "c2" });
    await gets(network({ strategy: "none" }, { nics: 3 }), first(2, 3, 4));
    await gets(network({ strategy: "none" }, { nics: 4 }), first(1, 2, 3, 4));
  });

  test("costOpt takes the fewest that reach the target, which the pod may override", async () => {
    await gets(network({ strategy: "costOpt", target: "20Gbps" }), first(1, 2));
    await gets(network({ strategy: "costOpt", target: "20Gbps" }, { target: "30G" }), first(1, 2, 3));
  });

  test("perfOpt takes those that nobody shares first", async () => {
    using other = makeNamespace("other");
    const shared = conf({ name: "elsewhere", masters: ["eth1"], ipam: {} });
    await add(node, shared, { netns: other.path, containerId: "c2" });
    await gets(network({ strategy: "perfOpt", target: "20Gbps" }), first(2, 3));
  });

  test("the pod's masters are chosen among", async () => {
    await gets(network({ strategy: "costOpt", target: "10G" }, { masters: ["eth4", "eth3"] }), first(3));
  });

  test("the NICs of masterNets are chosen among", async () => {
    const nets = { masters: [], masterNets: ["10.2.0.0/24", "10.3.0.0/24"] };
    await gets(network({ strategy: "costOpt", target: "20G" }, {}, nets), first(1, 2));
  });

  test("STATUS says whether a pod could be served", async () => {
    await succeed(node, "STATUS", network({ strategy: "costOpt", target: "40G" }));
    const { code, msg } = await refused(node, "STATUS", network({ strategy: "costOpt", target: "50G" }));
    expect([code, msg]).toEqual([
      50,
      expect.stringMatching(/^target: 50 Gbit\/s are asked for and all 4 NICs/),
    ]);
  });

  test("a configuration as upstream's pods have it is served: class and target are passed over under none", async () => {
    await gets(network({ strategy: "none" }, { class: "fast", target: "" }), first(1, 2, 3, 4));
    await gets(conf({ masters: ["eth1"], args: { cni: { class: "fast", target: "10" } } }), first(1));
  });
});

const bad = (attachPolicy: JsonObject | string, cni: JsonObject = {}): JsonObject =>
  base({ attachPolicy, args: { cni } });
const classes = (text: string): Pick<BadInput, "arrange"> => ({
  arrange: ({ node: { stateDir } }) => writeFileSync(join(stateDir, "classes.json"), text),
});

const rows: readonly BadInput[] = [
  {
    title: "that is no object",
    conf: bad("costOpt"),
    code: 7,
    says: /^attachPolicy: "costOpt" is not an object/,
  },
  {
    title: "of an unknown strategy",
    conf: bad({ strategy: "fastest" }),
    code: 7,
    says: /^attachPolicy\.strategy: "fastest" is not one of "none", "devClass", "topology", "costOpt", "perfOpt"/,
  },
  {
    title: "without the target that it needs",
    conf: bad({ strategy: "costOpt" }, { target: "" }),
    code: 7,
    says: /^attachPolicy\.target: is missing, and strategy costOpt needs it; .*args\.cni\.target/,
  },
  {
    title: "with a target of no unit",
    conf: bad({ strategy: "costOpt", target: "10" }),
    code: 7,
    says: /^attachPolicy\.target: "10" is no bandwidth; .* like 10Gbps/,
  },
  {
    title: "with a pod's target that is no text",
    conf: bad({ strategy: "perfOpt", target: "10G" }, { target: 10 }),
    code: 7,
    says: /^args\.cni\.target: 10 is not text/,
  },
  {
    title: "with a target beyond the NICs",
    conf: bad({ strategy: "costOpt", target: "1T" }),
    code: 7,
    says: /^target: 1000 Gbit\/s are asked for and all 1 NICs that can serve have 10 Gbit\/s; ask for less: eth1/,
  },
  {
    title: "without the class that it needs",
    conf: bad({ strategy: "devClass" }),
    code: 7,
    says: /^attachPolicy\.class: is missing, and strategy devClass needs it/,
  },
  {
    title: "with a class where there is no class file",
    conf: bad({ strategy: "devClass", class: "fast" }),
    code: 7,
    says: /^class: "fast" is asked for, and there is no class file ".*classes\.json"; write it like/,
  },
  {
    title: "with a class file that is none",
    conf: bad({ strategy: "devClass", class: "fast" }),
    ...classes("fast"),
    code: 7,
    says: /^class file ".*" is not JSON; write it like/,
  },
  {
    title: "with a class that the file has not",
    conf: bad({ strategy: "devClass", class: "fast" }, { class: "faster" }),
    ...classes('{"fast": {"ids": [{"vendor": "15b3"}]}}'),
    code: 7,
    says: /^class: "faster" is not in class file ".*"; name one of: fast$/,
  },
  {
    title: "with a class that no NIC is of",
    conf: bad({ strategy: "devClass", class: "fast" }),
    code: 7,
    says: /^class: no NIC of this network on this host is of class "fast" \(15b3:any\).*: eth1 is no device/,
  },
  {
    title: "topology, for a pod of no UID",
    conf: bad({ strategy: "topology" }),
    code: 4,
    says: /^CNI_ARGS: K8S_POD_UID is missing/,
  },
  {
    title: "topology, on a node without kubelet",
    conf: bad({ strategy: "topology" }),
    at: { args: "K8S_POD_UID=uid-1" },
    code: 5,
    says: /topology needs kubelet's ".*kubelet_internal_checkpoint", which cannot be read \(ENOENT\)/,
  },
  {
    title: "more NICs than can serve",
    conf: base({
      masters: ["eth1", "down0"],
      attachPolicy: { strategy: "none" },
      args: { cni: { nics: 2 } },
    }),
    code: 7,
    says: /^args\.cni\.nics: 2 are asked for and 1 can be had; ask for at most 1: eth1 .*, down0 is down$/,
  },
  {
    title: "a master that is no link",
    conf: base({ masters: ["eth1", "eth9"], attachPolicy: { strategy: "none" } }),
    code: 7,
    says: /^masters: "eth9" is no link of this host; name one of: eth1/,
  },
];

describeBadInput("of a policy, ADD refuses one", rows);
