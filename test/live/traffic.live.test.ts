import { describe, expect, test } from "vitest";
import type { Result } from "../../lib/cni/result.ts";
import { conf, type Family, pool } from "./conf.ts";
import { describeWhere, linkKind } from "./kernel.ts";
import { makeNamespace, type Namespace } from "./namespaces.ts";
import { makeNode, makeTwoNodes, masterAddress, type Node } from "./node.ts";
import { add } from "./plugin.ts";
import { bare, ping, reaches } from "./traffic.ts";

const nics = 2;
const families: readonly Family[] = [4, 6];

const attach = (node: Node, pod: Namespace, plugin: { type: string; mode: string }, hostIndex = 1) =>
  add(node, conf({ plugin, masters: node.masters }, pool(families, { hostIndex })), { netns: pod.path });

/** From every address of one pod to the one of the same NIC and family of the other, and back. */
function expectTraffic(podA: Namespace, a: Result, podB: Namespace, b: Result): void {
  expect(a.ips).toHaveLength(nics * families.length);
  a.ips.forEach((ip, i) => {
    const [here, there] = [bare(ip.address), bare(b.ips[i]?.address ?? "")];
    const forth = reaches(podA, here, there);
    const back = reaches(podB, there, here);
    expect({ here, there, forth, back }).toEqual({ here, there, forth: true, back: true });
  });
}

/** What a daemon will do for l3 modes: the other host's blocks are routed to its master of the same NIC. */
function routeBlocks(node: Node, other: { index: number; number: number }): void {
  node.masters.forEach((master, nic) => {
    const gateway = masterAddress(nic + 1, other.number);
    node.host.ip(`route add 192.168.${nic * 32 + other.index}.0/24 via ${gateway} dev ${master}`);
    const block = (nic * 0x2000 + other.index * 0x100).toString(16);
    node.host.ip(`route add fd10:0:0:${block}::/56 via fd0${nic + 1}::${other.number} dev ${master}`);
  });
}

describeWhere(ping, "pods reach each other over every NIC, in both families", () => {
  const local = [
    { type: "macvlan", mode: "bridge" },
    { type: "ipvlan", mode: "l2" },
    { type: "ipvlan", mode: "l3" },
    { type: "ipvlan", mode: "l3s" },
  ] as const;
  for (const plugin of local) {
    describeWhere(linkKind(plugin.type), `${plugin.type} ${plugin.mode}`, () => {
      test("on one node", async () => {
        using node = makeNode(nics);
        using podA = makeNamespace("pod-a");
        using podB = makeNamespace("pod-b");
        expectTraffic(podA, await attach(node, podA, plugin), podB, await attachSecond(node, podB, plugin));
      });

      test("on two nodes", async () => {
        const [nodeA, nodeB] = makeTwoNodes(nics);
        using _a = nodeA;
        using _b = nodeB;
        using podA = makeNamespace("pod-a");
        using podB = makeNamespace("pod-b");
        if (plugin.mode.startsWith("l3")) {
          routeBlocks(nodeA, { index: 2, number: 2 });
          routeBlocks(nodeB, { index: 1, number: 1 });
        }
        expectTraffic(podA, await attach(nodeA, podA, plugin), podB, await attach(nodeB, podB, plugin, 2));
      });
    });
  }

  const attachSecond = (node: Node, pod: Namespace, plugin: { type: string; mode: string }) =>
    add(node, conf({ plugin, masters: node.masters }, pool(families)), {
      netns: pod.path,
      containerId: "c2",
    });
});

describe("what modes keep apart", () => {
  test("macvlan private: two pods of one node do not reach each other", async () => {
    using node = makeNode(nics);
    using podA = makeNamespace("pod-a");
    using podB = makeNamespace("pod-b");
    const network = conf({ plugin: { type: "macvlan", mode: "private" }, masters: ["eth1"] });
    const a = await add(node, network, { netns: podA.path });
    const b = await add(node, network, { netns: podB.path, containerId: "c2" });
    expect(reaches(podA, bare(a.ips[0]?.address ?? ""), bare(b.ips[0]?.address ?? ""), 2)).toBe(false);
  });
});

describeWhere(ping, "source routing with two NICs on one network", () => {
  test.each([
    ["on", true],
    ["off", false],
  ])("%s: the second NIC's address reaches who is behind that NIC alone: %s", async (_, sourceRouting) => {
    const [node, far] = makeTwoNodes(nics);
    using _node = node;
    using _far = far;
    far.host.ip("addr add 10.70.0.9/24 dev eth2");
    // By default Linux answers on eth1 for an address of eth2 too.
    far.host.exec("sysctl", "-qw", "net.ipv4.conf.all.arp_ignore=1");
    using pod = makeNamespace("pod");
    const addresses = ["10.70.0.1/24", "10.70.0.2/24"].map((address) => ({ address }));
    const ipam = { type: "static", addresses };
    await add(node, conf({ masters: node.masters, sourceRouting, ipam }), { netns: pod.path });
    expect(reaches(pod, "10.70.0.2", "10.70.0.9", sourceRouting ? 15 : 2)).toBe(sourceRouting);
  });
});
