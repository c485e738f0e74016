import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { JsonObject } from "../../lib/cni/json.ts";
import { type FakeIpam, makeFakeIpam } from "../live/fake-ipam.ts";
import { kernelState } from "../live/kernel-state.ts";
import { storeOf, tamperStore } from "../live/node.ts";
import { add, bin, succeed, withPrevResult } from "../live/plugin.ts";
import { at, atOther, here, ifnamesOf, network, useScene, valid } from "../live/scene.ts";

useScene();

describe("GC", () => {
  beforeEach(async () => {
    await add(here().node, network(), at());
    await add(here().node, network(), atOther());
    await add(here().node, network({ name: "n2" }), { ...atOther(), ifname: "net2" });
  });

  test.each<[string, JsonObject, string[], string[]]>([
    ["without the list nothing goes", {}, ["net1-0", "net1-1"], ["net1-0", "net1-1", "net2-0", "net2-1"]],
    [
      "what is listed stays, the rest of the network goes",
      valid({ containerID: "c1", ifname: "net1" }),
      ["net1-0", "net1-1"],
      ["net2-0", "net2-1"],
    ],
    ["with an empty list all of the network goes", valid(), [], ["net2-0", "net2-1"]],
    [
      "a container that is listed with another interface goes",
      valid({ containerID: "c1", ifname: "net7" }),
      [],
      ["net2-0", "net2-1"],
    ],
  ])("%s", async (_, list, left, leftInOther) => {
    await succeed(here().node, "GC", network(list));
    expect(ifnamesOf(here().pod)).toEqual(left);
    expect(ifnamesOf(here().other)).toEqual(leftInOther);
    expect(storeOf(here().node).leases).toHaveLength(left.length + leftInOther.length);
    if (left.length === 0) expect(kernelState(here().pod)).toEqual(here().empty);
  });

  test("a pod whose namespace is gone keeps no address", async () => {
    tamperStore(here().node, "UPDATE attachments SET netns = '/run/netns/nowhere' WHERE container_id = 'c1'");
    await succeed(here().node, "GC", network(valid({ containerID: "c2", ifname: "net1" })));
    expect(storeOf(here().node).attachments).toEqual(["c2 net1", "c2 net2"]);
  });
});

describe("with a delegated IPAM", () => {
  let ipam: FakeIpam;
  beforeEach(() => {
    ipam = makeFakeIpam(`case $CNI_IFNAME in *-0) n=1 ;; *) n=2 ;; esac
      echo "{\\"cniVersion\\":\\"1.1.0\\",\\"ips\\":[{\\"address\\":\\"10.5.0.$n/24\\"}]}"`);
  });
  afterEach(() => ipam[Symbol.dispose]());
  const delegating = (more: JsonObject = {}) =>
    network({ multiNICIPAM: false, ipam: { type: ipam.type }, ...more });
  const withPath = () => ({ ...at(), path: `${bin}:${ipam.folder}` });

  test("CHECK asks it too, with the previous result, as the specification has it", async () => {
    const result = await add(here().node, delegating(), withPath());
    const checked = withPrevResult(delegating(), result);
    await succeed(here().node, "CHECK", checked, withPath());
    const checks = ipam.calls().filter(({ command }) => command === "CHECK");
    expect(checks.map(({ ifname }) => ifname)).toEqual(["net1-0", "net1-1"]);
    for (const { conf } of checks) expect(conf.prevResult).toEqual(checked.prevResult);
  });

  test("GC lists for it the interfaces that it knows, so that it frees none that is in use", async () => {
    await add(here().node, delegating(), withPath());
    const list = valid({ containerID: "c1", ifname: "net1" });
    await succeed(here().node, "GC", delegating(list), { ...withPath(), netns: "" });
    const [gc] = ipam.calls().filter(({ command }) => command === "GC");
    expect(gc?.conf["cni.dev/valid-attachments"]).toEqual(
      expect.arrayContaining([
        { containerID: "c1", ifname: "net1-0" },
        { containerID: "c1", ifname: "net1-1" },
      ]),
    );
    expect(ifnamesOf(here().pod)).toEqual(["net1-0", "net1-1"]);
  });

  test("GC without a list is none for it either", async () => {
    await succeed(here().node, "GC", delegating(), { ...withPath(), netns: "" });
    expect(ipam.calls()).toEqual([]);
  });

  test("STATUS asks it", async () => {
    await succeed(here().node, "STATUS", delegating(), { ...withPath(), netns: "" });
    expect(ipam.calls().map(({ command }) => command)).toEqual(["STATUS"]);
  });
});
