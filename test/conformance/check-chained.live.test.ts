import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JsonObject } from "../../lib/cni/json.ts";
import { conf, pool } from "../live/conf.ts";
import { describeWhere, need } from "../live/kernel.ts";
import { kernelState, linkOf, routesOf, rulesOf } from "../live/kernel-state.ts";
import { makeNamespace, type Namespace } from "../live/namespaces.ts";
import { emptyStore, makeNode, type Node, storeOf } from "../live/node.ts";
import { type Attachment, goPlugin, refused, succeed } from "../live/plugin.ts";

/* What plugins behind multi-nic in a chain may change, and CHECK of multi-nic has to accept: with Go's own. */

let node: Node;
let dataDir: string;
beforeAll(() => {
  node = makeNode(2);
  dataDir = mkdtempSync(join(tmpdir(), "chain-"));
});
afterAll(() => {
  node[Symbol.dispose]();
  rmSync(dataDir, { recursive: true });
});

const installed = (...names: string[]) =>
  need(
    "go-plugins",
    names.every((name) => goPlugin(name) !== undefined),
    `there is no Go ${names.join(", ")}; apt-get install containernetworking-plugins`,
  );

type Chain = readonly JsonObject[];

/** ADD of each with the result of the one before, as libcni does. Gives the last one's. */
async function addChain(chain: Chain, at: Attachment): Promise<JsonObject> {
  let prevResult: JsonObject | undefined;
  for (const each of chain)
    prevResult = await succeed(node, "ADD", prevResult ? { ...each, prevResult } : each, at);
  return prevResult ?? {};
}

async function delChain(chain: Chain, at: Attachment, prevResult: JsonObject): Promise<void> {
  for (const each of [...chain].reverse()) await succeed(node, "DEL", { ...each, prevResult }, at);
}

let count = 0;
/** multi-nic with the one name that a plugin behind it looks for, and that plugin. */
function chained(cniVersion: string, behind: JsonObject, more: JsonObject = {}): [JsonObject, JsonObject] {
  const name = `chain-${++count}`;
  const ours = conf({ cniVersion, name, masters: ["eth1", "eth2"], naming: "first-exact" }, more);
  return [ours, { cniVersion, name, ...behind }];
}

const tuning = (more: JsonObject) => ({ type: "tuning", dataDir, ...more });
const mac = "02:00:00:00:00:b1";
const routes = [{ dst: "10.60.0.0/16" }, { dst: "10.61.0.0/16", gw: "192.168.1.254" }, { dst: "fd99::/64" }];

interface Row {
  readonly title: string;
  readonly behind: JsonObject;
  readonly ours?: JsonObject;
  /** What the plugin behind has to have done: else the row would hold nothing. */
  readonly changed: (pod: Namespace) => void;
}

const tunings: readonly Row[] = [
  {
    title: "an MTU",
    behind: tuning({ mtu: 1400 }),
    changed: (pod) => expect(linkOf(pod, "net1").mtu).toBe(1400),
  },
  {
    title: "a MAC",
    behind: tuning({ mac }),
    changed: (pod) => expect(linkOf(pod, "net1").address).toBe(mac),
  },
  {
    title: "promiscuous mode",
    behind: tuning({ promisc: true }),
    changed: (pod) => expect(linkOf(pod, "net1").flags).toContain("PROMISC"),
  },
  {
    title: "all-multicast",
    behind: tuning({ allmulti: true }),
    changed: (pod) => expect(linkOf(pod, "net1").flags).toContain("ALLMULTI"),
  },
  {
    title: "sysctls",
    behind: tuning({
      sysctl: { "net.ipv4.conf.net1.arp_ignore": "2", "net.ipv4.conf.net1.arp_notify": "0" },
    }),
    changed: (pod) => expect(pod.exec("cat", "/proc/sys/net/ipv4/conf/net1/arp_ignore").trim()).toBe("2"),
  },
];

const versions = ["0.4.0", "1.0.0"];
const withRoutes = pool([4, 6], { routes });

describeWhere(installed("tuning"), "CHECK accepts of tuning", () => {
  test.each(versions.flatMap((cniVersion) => tunings.map((row) => ({ cniVersion, ...row }))))(
    "$title ($cniVersion)",
    async ({ cniVersion, behind, changed }) => {
      // Setting a MAC, tuning takes the link down, and with it go the routes: then CHECK is right to miss them.
      const more = behind.mac === undefined ? { ...withRoutes, sourceRouting: true } : pool([4, 6]);
      const [ours, other] = chained(cniVersion, behind, more);
      using pod = makeNamespace("pod");
      const before = kernelState(pod);
      const at = { netns: pod.path };
      const prevResult = await addChain([ours, other], at);
      changed(pod);
      await succeed(node, "CHECK", { ...ours, prevResult }, at);
      await delChain([ours, other], at, prevResult);
      expect(kernelState(pod)).toEqual(before);
      expect(storeOf(node)).toEqual(emptyStore);
    },
  );
});

describeWhere(installed("sbr"), "CHECK accepts of sbr", () => {
  test.each(versions)(
    "routes that it moved to a table that their addresses are routed by (%s)",
    async (cniVersion) => {
      const [ours, sbr] = chained(
        cniVersion,
        { type: "sbr" },
        pool([4, 6], { routes, gateway: ["192.168.1.254"] }),
      );
      using pod = makeNamespace("pod");
      const before = kernelState(pod);
      const at = { netns: pod.path };
      const prevResult = await addChain([ours, sbr], at);
      expect(rulesOf(pod, 4).map(({ table }) => table)).toContain("100");
      expect(routesOf(pod, 4, 100).map(({ dst }) => dst)).toEqual(expect.arrayContaining(["10.61.0.0/16"]));
      expect(routesOf(pod, 4).map(({ dst }) => dst)).not.toContain("10.61.0.0/16");
      await succeed(node, "CHECK", { ...ours, prevResult }, at);

      // But it still sees what is lost there, and a table that nobody asks.
      pod.ip("route del 10.61.0.0/16 table 100");
      const lost = await refused(node, "CHECK", { ...ours, prevResult }, at);
      expect(lost).toMatchObject({
        code: 106,
        msg: expect.stringMatching(/route 10\.61\.0\.0\/16 .* is gone/),
      });
      pod.ip("route add 10.61.0.0/16 via 192.168.1.254 dev net1 table 100");
      await succeed(node, "CHECK", { ...ours, prevResult }, at);
      pod.ip("rule del from 192.168.1.1 lookup 100");
      expect(await refused(node, "CHECK", { ...ours, prevResult }, at)).toMatchObject({ code: 106 });

      await delChain([ours, sbr], at, prevResult);
      const { links, addresses, routes: left } = kernelState(pod);
      expect({ links, addresses, routes: left }).toEqual({
        links: before.links,
        addresses: before.addresses,
        routes: before.routes,
      });
    },
  );
});

describeWhere(installed("bridge", "host-local", "bandwidth", "tuning"), "CHECK accepts of bandwidth", () => {
  test.each(versions)(
    "its qdiscs and its interface, behind bridge and multi-nic (%s)",
    async (cniVersion) => {
      const name = `chain-${++count}`;
      const ipam = { type: "host-local", dataDir, subnet: "10.88.0.0/24" };
      const rates = { ingressRate: 1e6, ingressBurst: 1e6, egressRate: 1e6, egressBurst: 1e6 };
      const ours = conf({ cniVersion, name, masters: ["eth1", "eth2"] });
      const chain = [
        { cniVersion, name, type: "bridge", bridge: `br${count}`, ipam },
        ours,
        { cniVersion, name, type: "bandwidth", ...rates },
        { cniVersion, name, ...tuning({ mtu: 1300 }) },
      ];
      using pod = makeNamespace("pod");
      const before = kernelState(pod);
      const at = { netns: pod.path, ifname: "eth0" };
      const prevResult = await addChain(chain, at);
      expect(node.host.exec("tc", "qdisc", "show")).toMatch(/tbf/);
      await succeed(node, "CHECK", { ...ours, prevResult }, at);
      await delChain(chain, at, prevResult);
      expect(kernelState(pod)).toEqual(before);
      expect(storeOf(node)).toEqual(emptyStore);
    },
  );
});

describe("CHECK accepts, whoever did it, in every version that has it", () => {
  const changes: readonly (readonly [string, string])[] = [
    ["a MAC", `link set net1 address ${mac}`],
    ["promiscuous mode", "link set net1 promisc on"],
    ["all-multicast", "link set net1 allmulticast on"],
    ["a transmit queue", "link set net1 txqueuelen 77"],
    ["a route of somebody else's", "route add 10.99.0.0/16 dev net1"],
    ["a rule of somebody else's", "rule add from 10.99.0.1 lookup 99"],
  ];
  test.each(
    ["0.4.0", "1.0.0", "1.1.0"].flatMap((version) => changes.map((change) => [version, ...change] as const)),
  )("%s: %s", async (cniVersion, _, change) => {
    const [ours] = chained(cniVersion, {}, withRoutes);
    using pod = makeNamespace("pod");
    const at = { netns: pod.path };
    const prevResult = await succeed(node, "ADD", ours, at);
    pod.ip(change);
    await succeed(node, "CHECK", { ...ours, prevResult }, at);
    await succeed(node, "DEL", ours, at);
  });
});
