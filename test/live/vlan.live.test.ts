import { afterEach, beforeEach, expect, test } from "vitest";
import type { JsonObject } from "../../lib/cni/json.ts";
import { conf } from "./conf.ts";
import { describeWhere, linkKind } from "./kernel.ts";
import { kernelState, linkOf } from "./kernel-state.ts";
import { makeNamespace, type Namespace } from "./namespaces.ts";
import { emptyStore, makeTwoNodes, type Node, storeOf } from "./node.ts";
import { add, refused, succeed, withPrevResult } from "./plugin.ts";

let nodes: readonly [Node, Node];
let pods: readonly [Namespace, Namespace];
beforeEach(() => {
  nodes = makeTwoNodes(2);
  pods = [makeNamespace("pod-a"), makeNamespace("pod-b")];
});
afterEach(() => {
  for (const each of [...pods, ...nodes]) each[Symbol.dispose]();
});

const network = (hostIndex: number, more: JsonObject = {}) =>
  conf({
    masters: ["eth1", "eth2"],
    plugin: { type: "vlan", vlan: 7 },
    ipam: { type: "multi-nic-ipam", interfaceBlock: 3, hostBlock: 5, hostIndex },
    ...more,
  });

// As ipvlan, it is in no CI machine's own kernel, but in the test kernel.
describeWhere(linkKind("vlan"), "VLAN sub-interfaces of the masters", () => {
  test("carry traffic between the pods of two nodes, pass CHECK, and are gone after DEL", async () => {
    const results = [];
    const before = pods.map(kernelState);
    for (const [at, node] of nodes.entries()) {
      const pod = pods[at] as Namespace;
      const result = await add(node, network(at), { netns: pod.path });
      expect(linkOf(pod, "net1-0")).toMatchObject({ linkinfo: { info_kind: "vlan", info_data: { id: 7 } } });
      await succeed(node, "CHECK", withPrevResult(network(at), result), { netns: pod.path });
      results.push(result);
    }
    for (const { address } of results[1]?.ips ?? []) {
      pods[0].exec("ping", "-c", "1", "-W", "5", address.replace(/\/.*/, ""));
    }
    for (const [at, node] of nodes.entries()) {
      await succeed(node, "DEL", network(at), { netns: pods[at]?.path ?? "" });
      expect(storeOf(node)).toEqual(emptyStore);
    }
    expect(pods.map(kernelState)).toEqual(before);
  });

  test("take the MAC and the MTU that are asked for", async () => {
    const plugin = { type: "vlan", vlanId: 9, mac: "02:00:00:00:00:a1", mtu: 1400 };
    await add(nodes[0], network(0, { masters: ["eth1"], plugin }), { netns: pods[0].path });
    expect(linkOf(pods[0], "net1-0")).toMatchObject({ address: "02:00:00:00:00:a1", mtu: 1400 });
  });

  test("stand beside an ipvlan on the same master", async () => {
    await add(nodes[0], network(0), { netns: pods[0].path });
    const ipvlan = network(0, { name: "beside", plugin: { type: "ipvlan" }, subnet: "10.99.0.0/16" });
    await add(nodes[0], ipvlan, { netns: pods[1].path, containerId: "c2" });
    expect(linkOf(pods[1], "net1-1")).toMatchObject({ linkinfo: { info_kind: "ipvlan" } });
  });

  test("are refused to a second pod of the NIC, with nothing of it left", async () => {
    await add(nodes[0], network(0, { masters: ["eth2"] }), { netns: pods[0].path });
    const state = kernelState(pods[1]);
    const { code, msg } = await refused(nodes[0], "ADD", network(0), {
      netns: pods[1].path,
      containerId: "c2",
    });
    expect([code, msg]).toEqual([
      105,
      expect.stringMatching(
        /^net1-1: VLAN 7 of eth2 is in use already, on the host or by another pod; .*another id/,
      ),
    ]);
    expect(kernelState(pods[1])).toEqual(state);
    expect(storeOf(nodes[0]).attachments).toEqual(["c1 net1"]);
  });

  test("that are another VLAN than ADD made are told by CHECK", async () => {
    const result = await add(nodes[0], network(0, { masters: ["eth1"] }), { netns: pods[0].path });
    pods[0].ip("link del net1-0");
    nodes[0].host.ip(`link add link eth1 name net1-0 netns ${pods[0].name} type vlan id 8`);
    pods[0].ip("link set net1-0 up");
    const said = await refused(nodes[0], "CHECK", withPrevResult(network(0, { masters: ["eth1"] }), result), {
      netns: pods[0].path,
    });
    expect(said.msg).toContain("net1-0 is vlan 8, not vlan 7");
  });
});
