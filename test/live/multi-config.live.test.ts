import { afterEach, beforeEach, expect, test } from "vitest";
import type { JsonObject } from "../../lib/cni/json.ts";
import { conf } from "./conf.ts";
import { type FakeIpam, makeFakeIpam } from "./fake-ipam.ts";
import { describeWhere, linkKind } from "./kernel.ts";
import { kernelState } from "./kernel-state.ts";
import { makeNamespace, type Namespace } from "./namespaces.ts";
import { emptyStore, makeNode, type Node, storeOf } from "./node.ts";
import { add, cniPath, refused, succeed, withPrevResult } from "./plugin.ts";

let node: Node;
let pod: Namespace;
let fake: FakeIpam;
beforeEach(() => {
  node = makeNode(3);
  pod = makeNamespace("pod");
  fake = makeFakeIpam(`echo '{"cniVersion":"1.1.0","ips":[{"address":"10.9.0.5/24"}]}'`);
});
afterEach(() => {
  for (const each of [pod, node, fake]) each[Symbol.dispose]();
});

const network = (more: JsonObject = {}) =>
  conf({
    masters: ["eth1", "eth2"],
    ipam: {
      type: "multi-config",
      args: {
        eth1: { ipam_type: "fake-ipam", range: "10.9.0.0/24" },
        eth2: { ipam_type: "multi-nic-ipam", subnet: "10.8.0.0/16", hostIndex: 0 },
      },
    },
    ...more,
  });
const at = (args = "") => ({ netns: pod.path, path: `${fake.folder}:${cniPath}`, args });

describeWhere(linkKind("macvlan"), "multi-config", () => {
  test("gives each master the addresses of its own IPAM, from ADD to DEL", async () => {
    const before = kernelState(pod);
    const result = await add(node, network(), at());
    expect(result.ips.map((ip) => [ip.interface, ip.address])).toEqual([
      [0, "10.9.0.5/24"],
      [1, "10.8.0.1/16"],
    ]);
    await succeed(node, "CHECK", withPrevResult(network(), result), at());
    await succeed(node, "STATUS", network(), at());
    await succeed(node, "DEL", network(), at());
    const call = { path: at().path, netns: "", ifname: "" };
    await succeed(node, "GC", { ...network(), "cni.dev/valid-attachments": [] }, call);
    const ofAdd = { type: "fake-ipam", range: "10.9.0.0/24" };
    expect(
      fake.calls().map(({ command, ifname, conf }) => [command, ifname, conf.ipam, conf.master]),
    ).toEqual([
      ["ADD", "net1-0", ofAdd, "eth1"],
      ["CHECK", "net1-0", ofAdd, "eth1"],
      ["STATUS", "net1", ofAdd, "eth1"],
      ["DEL", "net1-0", ofAdd, "eth1"],
      ["GC", "", ofAdd, "eth1"],
    ]);
    expect(kernelState(pod)).toEqual(before);
    expect(storeOf(node)).toEqual(emptyStore);
  });

  test("gives way to addresses that the pod brings", async () => {
    const { ips } = await add(node, network(), at("IP=10.7.0.1/24,10.7.1.1/24"));
    expect(ips.map(({ address }) => address)).toEqual(["10.7.0.1/24", "10.7.1.1/24"]);
    await succeed(node, "DEL", network(), at("IP=10.7.0.1/24,10.7.1.1/24"));
    expect(fake.calls()).toEqual([]);
  });

  test.each<[string, JsonObject, RegExp]>([
    ["has none for a master", { masters: ["eth1", "eth3"] }, /^ipam\.args: has no "eth3".*only eth1, eth2/],
    ["has no entries", { ipam: { type: "multi-config" } }, /^ipam\.args: missing/],
    [
      "does not say which",
      { ipam: { type: "multi-config", args: { eth1: { range: "10.9.0.0/24" } } } },
      /^ipam\.args\.eth1\.ipam_type: missing/,
    ],
  ])("is refused with nothing made where it %s; DEL succeeds", async (_title, more, message) => {
    const before = kernelState(pod);
    const { code, msg } = await refused(node, "ADD", network(more), at());
    expect([code, msg]).toEqual([7, expect.stringMatching(message)]);
    await succeed(node, "DEL", network(more), at());
    expect(kernelState(pod)).toEqual(before);
    expect(storeOf(node)).toEqual(emptyStore);
  });
});
