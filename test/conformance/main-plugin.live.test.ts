import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../lib/cni/json.ts";
import { firstAddress } from "../live/conf.ts";
import { kernelState, linkOf, linksOf } from "../live/kernel-state.ts";
import { emptyStore, storeOf } from "../live/node.ts";
import { add, refused, succeed, withPrevResult } from "../live/plugin.ts";
import { at, here, ifnamesOf, network, useScene } from "../live/scene.ts";
import { versions } from "./raw-call.ts";

/*
 * The main plugin, by topics of the tests of the reference's main plugins. In test/live are more of their rows:
 * every kind and mode in attach, choosing NICs, MAC and MTU in choice, chains behind Go's bridge in go-plugins, what ADD
 * refuses in bad-*.
 */

useScene();

async function expectGone(): Promise<void> {
  expect(kernelState(here().pod)).toEqual(here().empty);
  expect(storeOf(here().node)).toEqual(emptyStore);
}

describe("ADD", () => {
  test("makes the links in the pod's namespace, and never one in the node's", async () => {
    const monitored = linksOf(here().node.host).map(({ ifindex }) => ifindex);
    await add(here().node, network(), at());
    expect(ifnamesOf(here().pod)).toEqual(["net1-0", "net1-1"]);
    // A link that had been made in the node and moved would have taken an ifindex of the node's.
    here().node.host.ip("link add probe type bridge");
    expect(linkOf(here().node.host, "probe").ifindex).toBe(Math.max(...monitored) + 1);
  });

  test("without an IPAM makes links of layer 2 alone", async () => {
    const asked = network({ ipam: {} });
    const result = await add(here().node, asked, at());
    expect(result).toMatchObject({ ips: [], interfaces: [{ name: "net1-0" }, { name: "net1-1" }] });
    expect(linkOf(here().pod, "net1-0").flags).toContain("UP");
    await succeed(here().node, "CHECK", withPrevResult(asked, result), at());
    await succeed(here().node, "DEL", asked, at());
    await expectGone();
  });

  test.each(["0.1.0", "0.2.0"])(
    "without an IPAM has no result that %s could hold: it is refused and undone",
    async (cniVersion) => {
      const error = await refused(here().node, "ADD", network({ cniVersion, ipam: {} }), at());
      expect(error).toMatchObject({
        cniVersion,
        code: 7,
        msg: expect.stringMatching(/no result without an IP/),
      });
      await expectGone();
    },
  );

  test("with no master to take is refused, saying how to name one", async () => {
    here().node.host.ip("addr flush dev eth1");
    here().node.host.ip("addr flush dev eth2");
    const error = await refused(here().node, "ADD", network({ masters: [] }), at());
    expect(error).toMatchObject({ code: 7, msg: expect.stringMatching(/no secondary NIC/) });
    await expectGone();
  });

  test.each<[string, JsonObject, string]>([
    ["CNI_ARGS", {}, "IgnoreUnknown=1;MAC=02:00:00:00:00:a1"],
    [
      "runtimeConfig, which goes before CNI_ARGS",
      { runtimeConfig: { mac: "02:00:00:00:00:a1" } },
      "MAC=02:00:00:00:00:a2",
    ],
  ])("gives the MAC of %s", async (_, more, args) => {
    const result = await add(here().node, network({ masters: ["eth1"], ...more }), { ...at(), args });
    expect(linkOf(here().pod, "net1-0").address).toBe("02:00:00:00:00:a1");
    expect(result.interfaces).toMatchObject([{ mac: "02:00:00:00:00:a1" }]);
  });

  test.each(versions)("behind another plugin gives the whole result in %s", async (cniVersion) => {
    const before =
      cniVersion < "0.3.0"
        ? { cniVersion, ip4: { ip: "10.5.5.5/24", gateway: "10.5.5.1" }, dns: { nameservers: ["10.5.5.53"] } }
        : {
            cniVersion,
            interfaces: [{ name: "lan", sandbox: here().pod.path }],
            ips: [
              { ...(cniVersion < "1.0.0" ? { version: "4" } : {}), interface: 0, address: "10.5.5.5/24" },
            ],
            routes: [{ dst: "0.0.0.0/0", gw: "10.5.5.1" }],
            dns: { nameservers: ["10.5.5.53"] },
          };
    const asked = network({ cniVersion, prevResult: before });
    const result = await succeed(here().node, "ADD", asked, at());
    // The shape of the first two versions has one address of a family: the first plugin's.
    if (cniVersion < "0.3.0") expect(result).toEqual(before);
    else {
      expect(result).toMatchObject({
        interfaces: [{ name: "lan" }, { name: "net1-0" }, { name: "net1-1" }],
        ips: [{ interface: 0 }, { interface: 1 }, { interface: 2 }],
        routes: before.routes,
        dns: before.dns,
      });
    }
    if (cniVersion >= "0.4.0") await succeed(here().node, "CHECK", { ...asked, prevResult: result }, at());
    await succeed(here().node, "DEL", { ...asked, prevResult: result }, at());
    await expectGone();
  });
});

describe("DEL of what was never configured succeeds", () => {
  test.each(versions)("with a configuration of %s", async (cniVersion) => {
    await succeed(here().node, "DEL", network({ cniVersion }), at());
    await succeed(here().node, "DEL", network({ cniVersion }), { ...at(), netns: "" });
    await expectGone();
  });
});

test("the first pod has the first address of each NIC's block", async () => {
  const { ips } = await add(here().node, network(), at());
  expect(ips.map(({ address }) => address)).toEqual([firstAddress(4, 0), firstAddress(4, 1)]);
});
