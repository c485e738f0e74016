import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JsonObject } from "../../lib/cni/json.ts";
import { pool } from "./conf.ts";
import { describeWhere, need } from "./kernel.ts";
import { addressesOf, kernelState, routesOf } from "./kernel-state.ts";
import { makeNamespace } from "./namespaces.ts";
import { emptyStore, makeNode, type Node, storeOf } from "./node.ts";
import { add, goPlugin, refused, succeed, withPrevResult } from "./plugin.ts";

const installed = need(
  "go-plugins",
  ["bridge", "macvlan", "host-local"].every((name) => goPlugin(name) !== undefined),
  "there are no Go bridge, macvlan and host-local; apt-get install containernetworking-plugins",
);

let node: Node;
beforeAll(() => {
  node = makeNode(2);
});
afterAll(() => node[Symbol.dispose]());

describeWhere(installed, "main plugins of Go with multi-nic-ipam", () => {
  const rows = ["0.3.1", "0.4.0", "1.0.0"].flatMap((cniVersion) => [
    { cniVersion, main: { type: "macvlan", master: "eth1" } },
    { cniVersion, main: { type: "bridge", bridge: "br7" } },
  ]);
  test.each(rows)(
    "$main.type of $cniVersion gets one address of each family, CHECK and DEL agree",
    async (row) => {
      const network: JsonObject = {
        cniVersion: row.cniVersion,
        name: `${row.main.type}-${row.cniVersion}`,
        ...row.main,
        // The route names its gateway: Go's CHECK does not look for the one that it took from ips (ValidateExpectedRoute).
        ...pool([4, 6], {
          interfaceIndex: 2,
          gateway: ["192.168.65.254"],
          routes: [{ dst: "10.60.0.0/16", gw: "192.168.65.254" }],
        }),
      };
      using pod = makeNamespace("pod");
      const before = kernelState(pod);
      const at = { netns: pod.path, ifname: "net1" };
      const result = await add(node, network, at);
      expect(result.ips).toMatchObject([
        { address: "192.168.65.1/19", gateway: "192.168.65.254" },
        { address: "fd10:0:0:4100::1/51" },
      ]);
      expect(addressesOf(pod, "net1")).toEqual(["192.168.65.1/19", "fd10:0:0:4100::1/51"]);
      expect(routesOf(pod, 4)).toContainEqual(
        expect.objectContaining({ dst: "10.60.0.0/16", gateway: "192.168.65.254" }),
      );
      const checked = withPrevResult(network, result);
      if (row.cniVersion !== "0.3.1") await succeed(node, "CHECK", checked, at);
      await succeed(node, "DEL", network, at);
      expect(kernelState(pod)).toEqual(before);
      expect(storeOf(node)).toEqual(emptyStore);
      if (row.cniVersion !== "0.3.1")
        expect((await refused(node, "CHECK", checked, at)).code).toBeGreaterThan(0);
    },
  );

  test("an exhausted pool fails their ADD with our message", async () => {
    const network: JsonObject = {
      cniVersion: "1.0.0",
      name: "tight",
      type: "macvlan",
      master: "eth1",
      subnet: "10.99.0.0/30",
      ipam: { type: "multi-nic-ipam" },
    };
    using podA = makeNamespace("pod-a");
    using podB = makeNamespace("pod-b");
    using podC = makeNamespace("pod-c");
    await add(node, network, { netns: podA.path, containerId: "a" });
    await add(node, network, { netns: podB.path, containerId: "b" });
    const error = await refused(node, "ADD", network, { netns: podC.path, containerId: "c" });
    expect(error.msg).toMatch(/no free address in 10\.99\.0\.0\/30 .*delete pods/);
    for (const [pod, containerId] of [
      [podA, "a"],
      [podB, "b"],
    ] as const) {
      await succeed(node, "DEL", network, { netns: pod.path, containerId });
    }
    expect(storeOf(node)).toEqual(emptyStore);
  });
});

describe("in a chain, multi-nic adds to what was made before it", () => {
  const chained = (cniVersion: string, more: JsonObject = {}): JsonObject => ({
    cniVersion,
    name: "chain",
    type: "multi-nic",
    plugin: { type: "macvlan" },
    masters: ["eth1", "eth2"],
    ...pool(),
    ...more,
  });

  describeWhere(installed, "by Go's bridge", () => {
    test.each(["0.4.0", "1.0.0"])("with configurations of %s", async (cniVersion) => {
      const name = `chain-${cniVersion}`;
      const dataDir = `${node.stateDir}-host-local`;
      const bridge: JsonObject = {
        cniVersion,
        name,
        type: "bridge",
        bridge: "br8",
        isGateway: true,
        ipam: { type: "host-local", dataDir, subnet: "10.88.0.0/24", routes: [{ dst: "0.0.0.0/0" }] },
      };
      using pod = makeNamespace("pod");
      const before = kernelState(pod);
      const at = { netns: pod.path, ifname: "eth0" };
      const first = await add(node, bridge, at);
      const ours = chained(cniVersion, { name });
      const whole = await add(node, withPrevResult(ours, first), at);

      expect(whole.interfaces.slice(0, first.interfaces.length)).toEqual(first.interfaces);
      expect(whole.interfaces.map(({ name }) => name).slice(-3)).toEqual(["eth0", "eth0-0", "eth0-1"]);
      expect(whole.ips.slice(0, 1)).toEqual(first.ips);
      expect(whole.ips.slice(1)).toMatchObject([{ interface: 3 }, { interface: 4 }]);
      expect(whole.routes).toEqual(first.routes);
      // None of the bridge's addresses is on ours.
      expect(addressesOf(pod, "eth0-0")).toEqual([whole.ips[1]?.address]);

      await succeed(node, "CHECK", withPrevResult(ours, whole), at);
      // The bridge's CHECK would look for our addresses on its interface (ValidateExpectedInterfaceIPs).
      await succeed(node, "DEL", withPrevResult(ours, whole), at);
      expect(addressesOf(pod, "eth0")).toEqual([first.ips[0]?.address]);
      await succeed(node, "DEL", withPrevResult(bridge, whole), at);
      expect(kernelState(pod)).toEqual(before);
      expect(storeOf(node)).toEqual(emptyStore);
    });
  });

  test("and refuses the exact name where that is the first one's", async () => {
    using pod = makeNamespace("pod");
    pod.ip("link add eth0 type bridge");
    const before = kernelState(pod);
    const prevResult = { cniVersion: "1.0.0", interfaces: [{ name: "eth0", sandbox: pod.path }] };
    const network = chained("1.0.0", { naming: "first-exact", prevResult });
    const error = await refused(node, "ADD", network, { netns: pod.path, ifname: "eth0" });
    expect(error).toMatchObject({ code: 105, msg: expect.stringMatching(/already has eth0/) });
    expect(kernelState(pod)).toEqual(before);
  });

  test("and keeps its DNS and routes where multi-nic has none of its own", async () => {
    using pod = makeNamespace("pod");
    const prevResult = {
      cniVersion: "1.0.0",
      interfaces: [{ name: "lan", sandbox: pod.path }],
      ips: [{ address: "10.5.5.5/24", gateway: "10.5.5.1", interface: 0 }],
      routes: [{ dst: "0.0.0.0/0", gw: "10.5.5.1" }],
      dns: { nameservers: ["10.5.5.53"] },
    };
    const network = chained("1.0.0", { prevResult });
    const result = await add(node, network, { netns: pod.path });
    expect(result.interfaces.map(({ name }) => name)).toEqual(["lan", "net1-0", "net1-1"]);
    expect(result.ips.map((ip) => ip.interface)).toEqual([0, 1, 2]);
    expect(result).toMatchObject({ routes: prevResult.routes, dns: prevResult.dns });
    await succeed(node, "DEL", network, { netns: pod.path });
    expect(storeOf(node)).toEqual(emptyStore);
  });
});
