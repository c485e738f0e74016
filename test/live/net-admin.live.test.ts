import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openNetns } from "../../lib/linux/netns.ts";
import { parseCidr } from "../../lib/net/address.ts";
import { newRule } from "../../lib/netlink/message/rule.ts";
import { groupOf } from "../../plugins/multi-nic/plan.ts";
import { conf } from "./conf.ts";
import { withoutStore } from "./damages.ts";
import { describeWhere, linkKind } from "./kernel.ts";
import { linkOf, linksOf } from "./kernel-state.ts";
import { makeNamespace, type Namespace } from "./namespaces.ts";
import { emptyStore, makeNode, type Node, storeOf } from "./node.ts";
import { add, refused, succeed, withPrevResult } from "./plugin.ts";

/* What a pod with CAP_NET_ADMIN does in its namespace, so that its DEL fails, or undoes more or less than its own. */

let node: Node;
let pod: Namespace;
beforeEach(() => {
  node = makeNode(2);
  pod = makeNamespace("pod");
});
afterEach(() => {
  for (const each of [pod, node]) each[Symbol.dispose]();
});

const plugins = {
  ipvlan: { type: "ipvlan" },
  macvlan: { type: "macvlan" },
  vlan: { type: "vlan", vlan: 7 },
} as const;
type Kind = keyof typeof plugins;
const networkOf = (kind: Kind) =>
  conf({ plugin: plugins[kind], masters: ["eth1", "eth2"], sourceRouting: true });
const network = networkOf("macvlan");
const group = groupOf({ network: "n1", containerId: "c1", ifname: "net1" });
const namesIn = (ns: Namespace) => linksOf(ns).map(({ ifname }) => ifname);
const at = () => ({ netns: pod.path });

/** FIB_RULE_PERMANENT of linux/fib_rules.h: the kernel takes it from anybody, and deletes no such rule. */
async function addPermanentRule(): Promise<void> {
  using netns = openNetns(pod.path);
  const src = parseCidr("192.168.1.1/32");
  const request = newRule({ family: 4, src, table: group, priority: 999, protocol: 77 });
  request.body[8] = 1;
  await netns.netlink.request([request]);
}

type Row = readonly [title: string, does: () => unknown, left: readonly string[]];

const rows: readonly Row[] = [
  ["puts loopback into the attachment's group", () => pod.ip(`link set lo group ${group}`), ["lo"]],
  [
    "puts loopback and links of its own into the group: those are deleted",
    () => {
      pod.ip(`link set lo group ${group}`);
      pod.ip(`link add own type veth peer name peer`);
      pod.ip(`link set own group ${group}`);
    },
    ["lo"],
  ],
  ["takes a link out of the group", () => pod.ip("link set net1-0 group 0"), ["lo"]],
  [
    "takes all links out of the group",
    () => ["0", "1"].map((n) => pod.ip(`link set net1-${n} group 7`)),
    ["lo"],
  ],
  [
    "takes a link out of the group, renames it and gives it another MTU",
    () => pod.ip("link set net1-1 down name eth9 group 0 mtu 1400"),
    ["lo"],
  ],
  [
    "takes a link out of the group and gives its name to another, which is left to it",
    () => {
      pod.ip("link set net1-0 down name eth9 group 0");
      pod.ip("link add net1-0 type bridge");
    },
    ["lo", "net1-0"],
  ],
  ["adds a rule of ours that no one can delete", () => addPermanentRule(), ["lo"]],
];

describe.each<Kind>(["ipvlan", "macvlan", "vlan"])("%s", (kind) => {
  describeWhere(linkKind(kind), "DEL of a pod that", () => {
    test.each(rows)("%s", async (_title, does, left) => {
      const host = linksOf(node.host);
      await add(node, networkOf(kind), at());
      await does();
      for (const _turn of ["first", "second"]) {
        await succeed(node, "DEL", networkOf(kind), at());
        expect(namesIn(pod)).toEqual(left);
        expect(storeOf(node)).toEqual(emptyStore);
        expect(namesIn(node.host)).toEqual(host.map(({ ifname }) => ifname));
      }
    });
  });
});

describeWhere(linkKind("macvlan"), "a pod", () => {
  test("takes a link out of its group, and CHECK tells of it", async () => {
    const result = await add(node, network, at());
    pod.ip("link set net1-0 group 0");
    const { code, msg } = await refused(node, "CHECK", withPrevResult(network, result), at());
    expect([code, msg]).toEqual([106, expect.stringMatching(/net1-0 is in link group 0, not \d+/)]);
  });

  test("replaces a link by one of its own, on it before it was deleted, and DEL leaves that to it", async () => {
    await add(node, network, at());
    pod.ip("link add link net1-0 name own type macvlan mode bridge");
    pod.ip("link del net1-0");
    await succeed(node, "DEL", network, at());
    expect(namesIn(pod)).toEqual(["lo", "own"]);
  });
});

/** Links of the pod's own, as if the attachment had been lent them: in the group of such, with names as alias. */
function forgeLent(): void {
  pod.ip("link add link net1-0 name own type macvlan mode bridge");
  pod.ip("link add peer type veth peer name outlet");
  for (const [place, [name, alias]] of [
    ["own", "cni0"],
    ["outlet", "eth9"],
    ["lo", "lo7"],
  ].entries())
    pod.ip(`link set ${name} group ${group / 2 + place} alias ${alias}`);
}

describeWhere(linkKind("macvlan"), "no link that a pod made comes into the host's namespace", () => {
  const cases: readonly (readonly [string, () => Promise<unknown>])[] = [
    ["with DEL", async () => {}],
    ["with a second DEL", () => succeed(node, "DEL", network, at())],
    [
      "with a DEL that has no store",
      () => withoutStore(node.stateDir, () => succeed(node, "DEL", network, at())),
    ],
  ];
  test.each(cases)("%s", async (_title, before) => {
    const host = namesIn(node.host);
    await add(node, network, at());
    forgeLent();
    await before();
    await succeed(node, "DEL", network, at());
    expect(namesIn(node.host)).toEqual(host);
    expect(storeOf(node)).toEqual(emptyStore);
    expect(linkOf(pod, "outlet").group).toBe(String(group / 2 + 1));
  });
});

test("a link that took the name and the group of one that was lent does not go to the host in its place", async () => {
  const lending = conf({ plugin: { type: "host-device" }, masters: ["eth1"] });
  const eth1 = linkOf(node.host, "eth1");
  await add(node, lending, at());
  pod.ip("link set net1-0 down name other group 7");
  pod.ip("link add net1-0 type veth peer name outlet");
  pod.ip(`link set net1-0 group ${group / 2}`);
  await succeed(node, "DEL", lending, at());
  expect(linkOf(node.host, "eth1")).toMatchObject({ address: eth1.address, ifindex: eth1.ifindex });
  expect(namesIn(pod).sort()).toEqual(["lo", "net1-0", "outlet"]);
});
