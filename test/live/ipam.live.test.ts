import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JsonObject } from "../../lib/cni/json.ts";
import { attached } from "./attached.ts";
import { conf, firstAddress, pool } from "./conf.ts";
import { describeWhere, need } from "./kernel.ts";
import { addressesOf, type IpRoute, kernelState, routesOf, rulesOf } from "./kernel-state.ts";
import { makeNamespace } from "./namespaces.ts";
import { emptyStore, makeNode, type Node, storeOf } from "./node.ts";
import { add, goPlugin, succeed, withPrevResult } from "./plugin.ts";

let node: Node;
beforeAll(() => {
  node = makeNode(3);
});
afterAll(() => node[Symbol.dispose]());

let count = 0;
const fresh = (...more: readonly JsonObject[]) =>
  conf({ name: `ipam-${++count}`, masters: ["eth1", "eth2"] }, ...more);

const wanted = ["192.168.1.9/19", "192.168.33.9/19"];
const wantedBare = ["192.168.1.9", "192.168.33.9"];
const fixed = (...addresses: readonly string[]) => ({
  ipam: { type: "static", addresses: addresses.map((address) => ({ address })) },
});

describe("addresses that were asked for", () => {
  test.each<[string, JsonObject, string | undefined]>([
    ["of the pool, by CNI_ARGS", {}, `IP=${wantedBare.join(",")}`],
    ["of the pool, by cni-args", { args: { cni: { ips: wantedBare } } }, undefined],
    ["of the pool, by runtimeConfig", { runtimeConfig: { ips: wanted } }, undefined],
    ["static, by the configuration", fixed(...wanted), undefined],
    ["static, by CNI_ARGS", fixed(), `IP=${wanted.join(",")}`],
    ["static, by cni-args", { ...fixed("1.2.3.4/8"), args: { cni: { ips: wanted } } }, undefined],
    ["static, by runtimeConfig", { ...fixed("1.2.3.4/8"), runtimeConfig: { ips: wanted } }, undefined],
  ])("%s", async (_, more, args) => {
    await attached(
      node,
      fresh(more),
      (pod, { ips }) => {
        expect(ips.map(({ address }) => address)).toEqual(wanted);
        expect([...addressesOf(pod, "net1-0"), ...addressesOf(pod, "net1-1")]).toEqual(wanted);
      },
      args === undefined ? {} : { args },
    );
  });
});

test("overlapping excludes keep back what any of them names", async () => {
  const excludeCIDRs = [
    "192.168.1.1/32",
    "192.168.1.0/30",
    "192.168.1.2/31",
    "192.168.33.0/29",
    "192.168.33.4/30",
  ];
  await attached(node, fresh(pool([4], { excludeCIDRs })), (_, { ips }) => {
    expect(ips.map(({ address }) => address)).toEqual(["192.168.1.4/19", "192.168.33.8/19"]);
  });
});

test("without an IPAM the links are up and have no address", async () => {
  await attached(node, fresh({ ipam: undefined }), (pod, { ips, interfaces }) => {
    expect(ips).toEqual([]);
    expect(interfaces).toHaveLength(2);
    expect(addressesOf(pod, "net1-1")).toEqual([]);
  });
});

test("two pods and two interfaces of one pod get four addresses", async () => {
  const network = fresh({ masters: ["eth1"] });
  using podA = makeNamespace("pod-a");
  using podB = makeNamespace("pod-b");
  const places = [
    { netns: podA.path, ifname: "net1" },
    { netns: podA.path, ifname: "net2" },
    { netns: podB.path, containerId: "c2", ifname: "net1" },
    { netns: podB.path, containerId: "c2", ifname: "net2" },
  ];
  const results = await Promise.all(places.map((at) => add(node, network, at)));
  const addresses = results.flatMap(({ ips }) => ips.map(({ address }) => address)).sort();
  expect(addresses).toEqual(["192.168.1.1/19", "192.168.1.2/19", "192.168.1.3/19", "192.168.1.4/19"]);
  for (const at of places) await succeed(node, "DEL", network, at);
  expect(storeOf(node)).toEqual(emptyStore);
});

const hop = (nic: number, gateway?: string) => ({ dev: `net1-${nic}`, ...(gateway ? { gateway } : {}) });
const hopsOf = ({ nexthops, dev = "", gateway }: IpRoute) =>
  (nexthops ?? [{ dev, gateway }]).map(({ dev, gateway }) => ({ dev, ...(gateway ? { gateway } : {}) }));

describe("routes", () => {
  const rows: readonly (readonly [string, 4 | 6, readonly object[], string, readonly object[]])[] = [
    [
      "with one destination and two gateways become one ECMP route",
      4,
      [
        { dst: "10.50.0.0/16", gw: "192.168.1.254" },
        { dst: "10.50.0.0/16", gw: "192.168.33.254" },
      ],
      "10.50.0.0/16",
      [hop(0, "192.168.1.254"), hop(1, "192.168.33.254")],
    ],
    ["without a gateway go by every NIC", 4, [{ dst: "10.51.0.0/16" }], "10.51.0.0/16", [hop(0), hop(1)]],
    [
      "of one gateway go by its NIC",
      4,
      [{ dst: "10.52.0.0/16", gw: "192.168.33.254" }],
      "10.52.0.0/16",
      [hop(1, "192.168.33.254")],
    ],
    [
      "of IPv6 with two gateways become one ECMP route",
      6,
      [
        { dst: "fd99::/64", gw: "fd10:0:0:100::fe" },
        { dst: "fd99::/64", gw: "fd10:0:0:2100::fe" },
      ],
      "fd99::/64",
      [hop(0, "fd10:0:0:100::fe"), hop(1, "fd10:0:0:2100::fe")],
    ],
    [
      "by default leave by the gateways",
      4,
      [
        { dst: "0.0.0.0/0", gw: "192.168.1.254" },
        { dst: "0.0.0.0/0", gw: "192.168.33.254" },
      ],
      "default",
      [hop(0, "192.168.1.254"), hop(1, "192.168.33.254")],
    ],
  ];
  test.each(rows)("%s", async (_, family, routes, dst, hops) => {
    await attached(node, fresh(pool([4, 6], { routes: routes as JsonObject[] })), (pod, result) => {
      const found = routesOf(pod, family).filter((route) => route.dst === dst);
      expect(found.flatMap(hopsOf)).toEqual(hops);
      expect(result.routes).toEqual(routes);
    });
  });

  test("keep their priority, MTU, advmss and table", async () => {
    const route = {
      dst: "10.53.0.0/16",
      gw: "192.168.1.254",
      mtu: 1300,
      advmss: 1200,
      priority: 5,
      table: 777,
    };
    await attached(node, fresh(pool([4], { routes: [route] })), (pod) => {
      const [found] = routesOf(pod, 4, 777);
      expect(found).toMatchObject({ dst: route.dst, gateway: route.gw, metric: 5, dev: "net1-0" });
      expect(found).toMatchObject({ metrics: [{ mtu: 1300, advmss: 1200 }] });
    });
  });
});

describe("source routing", () => {
  test("gives each NIC a table and each address a rule, and takes them away", async () => {
    const routes = [{ dst: "10.60.0.0/16" }];
    await attached(node, fresh({ sourceRouting: true }, pool([4, 6], { routes })), (pod) => {
      for (const family of [4, 6] as const) {
        const ours = rulesOf(pod, family).filter(({ priority }) => priority === 1000);
        const sources = [0, 1].map((nic) => firstAddress(family, nic).split("/")[0]);
        expect(ours.map(({ src }) => src).sort()).toEqual(sources.sort());
        for (const { src, table } of ours) {
          const nic = sources.indexOf(src);
          const devs = routesOf(pod, family, Number(table)).map(({ dev }) => dev);
          expect(new Set(devs)).toEqual(new Set([`net1-${nic}`]));
        }
      }
    });
  });

  // Both addresses are on link for both NICs: without the rules all would leave by the first.
  test.each([
    [true, "net1-1"],
    [false, "net1-0"],
  ])(
    "%s: what leaves from the second of two NICs on one network leaves by %s",
    async (sourceRouting, dev) => {
      const network = fresh({ sourceRouting }, fixed("10.70.0.1/24", "10.70.0.2/24"));
      await attached(node, network, (pod) => {
        const [route] = pod.ipJson<readonly IpRoute[]>("route get 10.70.0.9 from 10.70.0.2");
        expect(route?.dev).toBe(dev);
      });
    },
  );
});

const hostLocal = need(
  "host-local",
  goPlugin("host-local") !== undefined,
  "there is no Go host-local; apt-get install containernetworking-plugins",
);

describeWhere(hostLocal, "Go host-local, once for each NIC", () => {
  let dataDir: string;
  beforeAll(() => {
    dataDir = mkdtempSync(join(tmpdir(), "host-local-"));
  });
  afterAll(() => rmSync(dataDir, { recursive: true }));

  test.each(["0.3.1", "0.4.0", "1.0.0"])("with configurations of %s", async (cniVersion) => {
    const network = fresh({ cniVersion, multiNICIPAM: false });
    const ranges = [[{ subnet: "10.80.0.0/24" }], [{ subnet: "fd80::/64" }]];
    const ipam = { type: "host-local", dataDir, ranges, routes: [{ dst: "10.81.0.0/16" }] };
    const files = () =>
      readdirSync(join(dataDir, String(network.name))).filter((file) => /^(10\.|fd)/.test(file));
    using pod = makeNamespace("pod");
    const before = kernelState(pod);
    const at = { netns: pod.path };
    const whole = { ...network, ipam };
    const result = await add(node, whole, at);
    expect(result.ips).toMatchObject([
      { address: "10.80.0.2/24", gateway: "10.80.0.1", interface: 0 },
      { address: "fd80::2/64", gateway: "fd80::1", interface: 0 },
      { address: "10.80.0.3/24", gateway: "10.80.0.1", interface: 1 },
      { address: "fd80::3/64", gateway: "fd80::1", interface: 1 },
    ]);
    expect(addressesOf(pod, "net1-1")).toEqual(["10.80.0.3/24", "fd80::3/64"]);
    expect(files()).toHaveLength(4);
    if (cniVersion !== "0.3.1") await succeed(node, "CHECK", withPrevResult(whole, result), at);
    await succeed(node, "DEL", whole, at);
    expect(files()).toEqual([]);
    expect(kernelState(pod)).toEqual(before);
  });
});
