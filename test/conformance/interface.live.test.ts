import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../lib/cni/json.ts";
import { makeFakeIpam } from "../live/fake-ipam.ts";
import { addressesOf, kernelState, routesOf } from "../live/kernel-state.ts";
import { emptyStore, storeOf } from "../live/node.ts";
import { add, bin, refused, succeed } from "../live/plugin.ts";
import { at, here, network, useScene } from "../live/scene.ts";

/* How an interface of a pod is configured, by topics of the tests of the reference's ipam package. */

useScene();

const fixed = (addresses: readonly string[], more: JsonObject = {}) =>
  network({ ipam: { type: "static", addresses: addresses.map((address) => ({ address })), ...more } });

async function expectGone(): Promise<void> {
  expect(kernelState(here().pod)).toEqual(here().empty);
  expect(storeOf(here().node)).toEqual(emptyStore);
}

describe("an interface is configured", () => {
  test("with addresses of both families, a gateway and routes by it", async () => {
    const addresses = [
      { address: "10.9.0.5/24", gateway: "10.9.0.1" },
      { address: "fd09::5/64", gateway: "fd09::1" },
    ];
    const routes = [{ dst: "10.60.0.0/16" }, { dst: "10.61.0.0/16", gw: "10.9.0.2" }, { dst: "::/0" }];
    const asked = network({ masters: ["eth1"], ipam: { type: "static", addresses, routes } });
    await add(here().node, asked, at());
    expect(addressesOf(here().pod, "net1-0")).toEqual(["10.9.0.5/24", "fd09::5/64"]);
    const by = (family: 4 | 6) =>
      routesOf(here().pod, family).flatMap(({ dst, gateway }) => (gateway ? [`${dst} ${gateway}`] : []));
    expect(by(4)).toEqual(["10.60.0.0/16 10.9.0.1", "10.61.0.0/16 10.9.0.2"]);
    expect(by(6)).toEqual(["default fd09::1"]);
  });

  test("with one ECMP route where two have one destination", async () => {
    const asked = fixed(["10.9.0.5/24", "10.9.1.5/24"], {
      routes: [
        { dst: "10.60.0.0/16", gw: "10.9.0.1" },
        { dst: "10.60.0.0/16", gw: "10.9.1.1" },
      ],
    });
    await add(here().node, { ...asked, sourceRouting: false }, at());
    const [route] = routesOf(here().pod, 4).filter(({ dst }) => dst === "10.60.0.0/16");
    expect(route?.nexthops).toMatchObject([
      { dev: "net1-0", gateway: "10.9.0.1" },
      { dev: "net1-1", gateway: "10.9.1.1" },
    ]);
  });

  test("with IPv6 addresses that outlive a link which goes down", async () => {
    await add(here().node, fixed(["fd09::5/64", "fd09:1::5/64"]), at());
    here().pod.ip("link set net1-0 down");
    expect(addressesOf(here().pod, "net1-0")).toEqual(["fd09::5/64"]);
    here().pod.ip("link set net1-0 up");
    expect(addressesOf(here().pod, "net1-0")).toEqual(["fd09::5/64"]);
  });

  test("with IPv6 where the pod's default is none, and with no wait for duplicates", async () => {
    here().pod.exec("sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6");
    await add(here().node, fixed(["fd09::5/64", "fd09:1::5/64"]), at());
    expect(here().pod.ip("-6 addr show dev net1-0 scope global")).not.toMatch(/tentative|dadfailed/);
    expect(addressesOf(here().pod, "net1-0")).toEqual(["fd09::5/64"]);
  });

  const answers: readonly (readonly [string, string, RegExp])[] = [
    [
      "an address of an interface that is too big a number",
      '[{"address":"10.9.0.1/24","interface":0},{"address":"10.9.0.2/24","interface":2}]',
      /10\.9\.0\.2\/24 with interface 2, for 2 NICs/,
    ],
    [
      "an address of an interface below zero",
      '[{"address":"10.9.0.1/24","interface":-1},{"address":"10.9.0.2/24","interface":1}]',
      /10\.9\.0\.1\/24 with no interface/,
    ],
    [
      "addresses of no interface, for two NICs",
      '[{"address":"10.9.0.1/24"},{"address":"10.9.0.2/24"}]',
      /with no interface/,
    ],
    [
      "both addresses of one interface",
      '[{"address":"10.9.0.1/24","interface":1},{"address":"10.9.0.2/24","interface":1}]',
      /gave no address for eth1/,
    ],
    ["an address that is none", '[{"address":"10.9.0.300/24","interface":0}]', /ADD failed/],
    ["an address without a prefix length", '[{"address":"10.9.0.3","interface":0}]', /ADD failed/],
  ];
  test.each(answers)("by an IPAM that answers with %s: refused and undone", async (_, ips, says) => {
    using ipam = makeFakeIpam(`echo '{"cniVersion":"1.1.0","ips":${ips}}'`);
    const asked = network({ multiNICIPAM: true, ipam: { type: ipam.type } });
    const error = await refused(here().node, "ADD", asked, { ...at(), path: `${bin}:${ipam.folder}` });
    expect(error).toMatchObject({ code: 102, msg: expect.stringMatching(says) });
    expect(ipam.calls().map(({ command }) => command)).toEqual(["ADD", "DEL"]);
    await expectGone();
  });

  test("by an IPAM that numbers its addresses from the last NIC: each is on its own", async () => {
    using ipam = makeFakeIpam(
      `echo '{"cniVersion":"1.1.0","ips":[{"address":"10.9.1.1/24","interface":1},{"address":"10.9.0.1/24","interface":0}]}'`,
    );
    const asked = network({ multiNICIPAM: true, ipam: { type: ipam.type } });
    const { ips } = await add(here().node, asked, { ...at(), path: `${bin}:${ipam.folder}` });
    expect(ips).toMatchObject([
      { address: "10.9.0.1/24", interface: 0 },
      { address: "10.9.1.1/24", interface: 1 },
    ]);
    expect(addressesOf(here().pod, "net1-1")).toEqual(["10.9.1.1/24"]);
    expect(ipam.calls()[0]?.conf).toMatchObject({ masters: ["eth1", "eth2"] });
  });

  test("whose name is another link's: that one stays as it is", async () => {
    here().pod.ip("link add net1-1 type bridge");
    const before = kernelState(here().pod);
    const error = await refused(here().node, "ADD", network(), at());
    expect(error).toMatchObject({ code: 105, msg: expect.stringMatching(/already has net1-1/) });
    await succeed(here().node, "DEL", network(), at());
    expect(kernelState(here().pod)).toEqual(before);
  });
});
