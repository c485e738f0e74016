import { afterEach, beforeEach, expect, test } from "vitest";
import type { JsonObject } from "../../lib/cni/json.ts";
import { conf } from "./conf.ts";
import { withoutStore } from "./damages.ts";
import { describeWhere, linkKind } from "./kernel.ts";
import { addressesOf, linksOf } from "./kernel-state.ts";
import { makeNamespace, type Namespace } from "./namespaces.ts";
import { emptyStore, makeNode, type Node, storeOf } from "./node.ts";
import { add, succeed } from "./plugin.ts";

let node: Node;
let pod: Namespace;
beforeEach(() => {
  node = makeNode(3);
  pod = makeNamespace("pod");
  node.host.ip("link set eth1 alias uplink mtu 1400");
  node.host.ip("link property add dev eth1 altname first-nic-of-this-host");
});
afterEach(() => {
  for (const each of [pod, node]) each[Symbol.dispose]();
});

/** A NIC that takes its addresses along, and brings them back. */
const own = conf({ plugin: { type: "host-device" }, masters: ["eth1"], ipam: { type: "host-device-ipam" } });

/** All of the host's links and addresses, but for what a move in and out of a namespace changes whatever one does. */
const host = () => ({
  links: node.host
    .ipJson<readonly Record<string, unknown>[]>("-d link show")
    .map(({ ifname, mtu, address, flags, group, ifalias, altnames, ifindex }) => ({
      link: { ifname, mtu, address, group, ifalias, altnames, ifindex },
      up: (flags as string[]).includes("UP"),
    }))
    .sort((a, b) => Number(a.link.ifindex) - Number(b.link.ifindex)),
  addresses: addressesOf(node.host, "eth1"),
});

const repairs: readonly [string, (network1: JsonObject) => Promise<unknown>][] = [
  ["GC", (network1) => succeed(node, "GC", { ...network1, "cni.dev/valid-attachments": [] })],
  [
    "GC, once the pod's namespace is gone",
    (network1) => {
      pod[Symbol.dispose]();
      pod = makeNamespace("pod");
      return succeed(node, "GC", { ...network1, "cni.dev/valid-attachments": [] });
    },
  ],
  ["another DEL", (network1) => succeed(node, "DEL", network1, { netns: "" })],
  [
    "an ADD that wants them, and its DEL",
    async (network1) => {
      pod[Symbol.dispose]();
      pod = makeNamespace("pod");
      const at = { netns: pod.path, containerId: "c2" };
      await add(node, network1, at);
      await succeed(node, "DEL", network1, at);
    },
  ],
];

describeWhere(
  linkKind("veth"),
  "NICs that a DEL without the store brought home, under their names and down,",
  () => {
    test.each(repairs)("are as they were after %s", async (_title, repair) => {
      const before = host();
      await add(node, own, { netns: pod.path });
      await withoutStore(node.stateDir, () => succeed(node, "DEL", own, { netns: pod.path }));
      const between = host();
      expect(between.links.map(({ link, up }) => [link.ifname, up])).toContainEqual(["eth1", false]);
      expect(linksOf(pod).map(({ ifname }) => ifname)).toEqual(["lo"]);
      expect(storeOf(node).attachments).toEqual(["c1 net1"]);
      await repair(own);
      expect(host()).toEqual(before);
      expect(storeOf(node)).toEqual(emptyStore);
    });

    test.each<[string, string]>([
      ["the name of one of the host's links as its alias", "link set net1-0 alias eth3"],
      ["no alias", "link set net1-0 down name eth3 alias ."],
      ["a further name that one of the host's links has", "link property add dev net1-0 altname eth3"],
    ])("come home too with what a pod with rights of its own gave them: %s", async (_title, words) => {
      const before = host();
      await add(node, own, { netns: pod.path });
      pod.ip(words);
      await withoutStore(node.stateDir, () => succeed(node, "DEL", own, { netns: pod.path }));
      expect(linksOf(pod).map(({ ifname }) => ifname)).toEqual(["lo"]);
      await succeed(node, "GC", { ...own, "cni.dev/valid-attachments": [] });
      expect(host()).toEqual(before);
      expect(storeOf(node)).toEqual(emptyStore);
    });
  },
);
