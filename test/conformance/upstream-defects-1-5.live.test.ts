import { describe, expect, test } from "vitest";
import { pool } from "../live/conf.ts";
import { kernelState } from "../live/kernel-state.ts";
import { makeNamespace } from "../live/namespaces.ts";
import { emptyStore, storeOf, tamperStore } from "../live/node.ts";
import { type Attachment, add, refused, succeed, withPrevResult } from "../live/plugin.ts";
import { at, atOther, here, ifnamesOf, network, useScene } from "../live/scene.ts";
import { everything, mastersOf } from "./defects-scene.ts";

/* What the Go system multi-nic-cni (1.3.2) does wrong, by its numbers; each is a row that fails where ours does it too. The first five. */

useScene();

const kubernetes = (pod: string) => `IgnoreUnknown=true;K8S_POD_NAMESPACE=default;K8S_POD_NAME=${pod}`;

describe("defect 1", () => {
  test("a failure at the second NIC undoes the first, with its address and its record", async () => {
    here().pod.ip("link add net1-1 type bridge");
    const before = everything();
    await refused(here().node, "ADD", network(), at());
    expect(everything()).toEqual(before);
  });

  test("a failure of an address at the second NIC undoes the first", async () => {
    await add(here().node, network(), { ...atOther(), args: "IP=192.168.33.9" });
    const before = everything();
    const error = await refused(here().node, "ADD", network(), { ...at(), args: "IP=192.168.33.9" });
    expect(error).toMatchObject({ code: 103 });
    expect(everything()).toEqual(before);
  });

  test("DEL takes what ADD made, though the network would choose other NICs by now", async () => {
    await add(here().node, network({ masters: [], masterNets: ["10.2.0.0/24"] }), at());
    expect(mastersOf()).toEqual(["eth2"]);
    here().node.host.ip("addr flush dev eth2");
    await succeed(here().node, "DEL", network({ masters: ["eth1"] }), at());
    expect(kernelState(here().pod)).toEqual(here().empty);
    expect(storeOf(here().node)).toEqual(emptyStore);
  });
});

describe("defect 2", () => {
  test("DEL with an empty netns frees the addresses and takes the links", async () => {
    await add(here().node, network(), at());
    await succeed(here().node, "DEL", network(), { netns: "" });
    expect(storeOf(here().node)).toEqual(emptyStore);
    expect(kernelState(here().pod)).toEqual(here().empty);
  });

  test("DEL with a vanished netns succeeds, and frees the addresses", async () => {
    const gone = makeNamespace("gone");
    await add(here().node, network(), { netns: gone.path });
    gone[Symbol.dispose]();
    await succeed(here().node, "DEL", network(), { netns: gone.path });
    expect(storeOf(here().node)).toEqual(emptyStore);
  });

  test("CHECK fails where something is wrong", async () => {
    const checked = withPrevResult(network(), await add(here().node, network(), at()));
    await succeed(here().node, "CHECK", checked, at());
    here().pod.ip("link set net1-1 down");
    expect(await refused(here().node, "CHECK", checked, at())).toMatchObject({ code: 106 });
  });
});

describe("defect 3", () => {
  test("a late DEL of an old sandbox does not free the live pod's address", async () => {
    using gone = makeNamespace("old-sandbox");
    const args = kubernetes("web-0");
    const old: Attachment = { netns: gone.path, containerId: "old", args };
    const live: Attachment = { ...at(), containerId: "new", args };
    await add(here().node, network(), old);
    const result = await add(here().node, network(), live);
    for (const netns of [gone.path, ""]) {
      await succeed(here().node, "DEL", network(), { ...old, netns });
      await succeed(here().node, "CHECK", withPrevResult(network(), result), live);
    }
    expect(storeOf(here().node).attachments).toEqual(["new net1"]);
  });

  test("two interfaces of one pod on one network have addresses of their own", async () => {
    const first = await add(here().node, network(), { ...at(), args: kubernetes("web-0") });
    const second = await add(here().node, network(), { ...at(), ifname: "net2", args: kubernetes("web-0") });
    const given = [...first.ips, ...second.ips].map(({ address }) => address);
    expect(new Set(given).size).toBe(4);
    await succeed(here().node, "DEL", network(), at());
    expect(ifnamesOf(here().pod)).toEqual(["net2-0", "net2-1"]);
  });
});

describe("defect 4", () => {
  test("after the pool wraps, with excludes that overlap, no address is handed out twice", async () => {
    const excludeCIDRs = ["10.9.0.4/30", "10.9.0.6/31", "10.9.0.5/32"];
    const asked = {
      ...network({ subnet: "10.9.0.0/28", ipam: { type: "multi-nic-ipam", coolDown: 0, excludeCIDRs } }),
      type: "multi-nic-ipam",
      masters: [],
    };
    const held = new Map<string, string>();
    for (let i = 0; i < 24; i++) {
      // The second last is freed at each turn, so that what is free lies behind, between and before what is used.
      const [containerId] = [...held.keys()].slice(-2, -1);
      if (held.size > 7 && containerId !== undefined) {
        await succeed(here().node, "DEL", asked, { ...at(), containerId });
        held.delete(containerId);
      }
      const { ips } = await add(here().node, asked, { ...at(), containerId: `c${i}` });
      const address = ips[0]?.address ?? "";
      expect([...held.values()]).not.toContain(address);
      expect(address).not.toMatch(/^10\.9\.0\.(0|4|5|6|7|15)\//);
      held.set(`c${i}`, address);
    }
  });
});

describe("defect 5", () => {
  test("an ADD that failed, or whose process ended, holds no lock: the next one is served", async () => {
    await refused(here().node, "ADD", network({ subnet: "none" }), at());
    await add(here().node, network(), at());
    tamperStore(here().node, "UPDATE attachments SET state = 'adding', pid = 2147483647");
    await add(here().node, network(), at());
  });

  test("no pod that runs loses its addresses: not to an ADD that finds none, nor to a GC without a list", async () => {
    const tight = network(pool([4], { interfaceBlock: 1, hostBlock: 13, coolDown: 0 }));
    const first = await add(here().node, tight, at());
    await add(here().node, tight, atOther());
    using third = makeNamespace("third");
    const late = { netns: third.path, containerId: "c3" };
    expect(await refused(here().node, "ADD", tight, late)).toMatchObject({ code: 104 });
    await succeed(here().node, "GC", tight);
    expect(await refused(here().node, "ADD", tight, late)).toMatchObject({ code: 104 });
    await succeed(here().node, "CHECK", withPrevResult(tight, first), at());
  });
});
