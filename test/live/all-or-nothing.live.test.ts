import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../lib/cni/json.ts";
import { conf, pool } from "./conf.ts";
import { type FakeIpam, makeFakeIpam } from "./fake-ipam.ts";
import { describeWhere, linkKind, need } from "./kernel.ts";
import { kernelState } from "./kernel-state.ts";
import { makeNamespace, type Namespace } from "./namespaces.ts";
import { makeNode, type Node, storeOf } from "./node.ts";
import { add, bin, goPlugin, refused, succeed } from "./plugin.ts";

interface Scene {
  readonly node: Node;
  readonly pod: Namespace;
  /** A namespace of another pod on the node. */
  readonly other: Namespace;
}

interface Row {
  readonly title: string;
  /** What stands in the way of NIC 2, the third of four. */
  readonly arrange: (scene: Scene) => unknown;
  readonly conf?: JsonObject;
  readonly args?: string;
  readonly code: number;
  readonly says: RegExp;
}

const masters = ["eth1", "eth2", "eth3", "eth4"];
const network = (more: JsonObject = {}) => conf({ masters }, pool([4, 6]), more);

/** Only the first address of NIC 2's block, 192.168.64.0/19, is left of it. */
const allButOne = [2, 4, 8, 16, 32, 64, 128].map((from) => `192.168.64.${from}/${32 - Math.log2(from)}`);
const more = [1, 2, 4, 8, 16].map((from) => `192.168.${64 + from}.0/${24 - Math.log2(from)}`);
const tight = {
  subnet: "192.168.0.0/16",
  ipam: { type: "multi-nic-ipam", interfaceBlock: 3, excludeCIDRs: [...allButOne, ...more] },
};

const rows: readonly Row[] = [
  {
    title: "its name is taken in the pod",
    arrange: ({ pod }) => pod.ip("link add net1-2 type bridge"),
    code: 105,
    says: /the pod already has net1-2; .*DEL/,
  },
  {
    title: "its master is a port of a bridge",
    arrange: ({ node: { host } }) => {
      host.ip("link add br0 type bridge");
      host.ip("link set eth3 master br0");
    },
    code: 7,
    says: /net1-2: eth3 already serves/,
  },
  {
    title: "its master has a macvlan in passthru mode",
    arrange: ({ node: { host }, other }) =>
      host.ip(`link add link eth3 name mv0 netns ${other.name} type macvlan mode passthru`),
    code: 7,
    says: /net1-2: eth3 .*passthru/,
  },
  {
    title: "the address asked for it is another pod's",
    arrange: ({ node, other }) =>
      add(node, network(), { netns: other.path, containerId: "c2", args: "IP=192.168.65.7" }),
    args: "IP=192.168.65.7",
    code: 103,
    says: /192\.168\.65\.7.*c2/,
  },
  {
    title: "its block is exhausted",
    arrange: ({ node, other }) => add(node, network(tight), { netns: other.path, containerId: "c2" }),
    conf: tight,
    code: 104,
    says: /no free address in 192\.168\.64\.0\/19/,
  },
  {
    title: "the pod has its route from another network",
    arrange: ({ pod }) => {
      pod.ip("link add lan type bridge");
      pod.ip("link set lan up");
      pod.ip("route add 10.60.0.0/16 dev lan");
    },
    conf: pool([4], { routes: [{ dst: "10.60.0.0/16", gw: "192.168.65.254" }] }),
    code: 105,
    says: /10\.60\.0\.0\/16.*already/,
  },
  {
    title: "the gateway of a route is on no network",
    arrange: () => undefined,
    conf: pool([4], { routes: [{ dst: "10.60.0.0/16", gw: "172.16.0.1" }] }),
    code: 7,
    says: /172\.16\.0\.1 .*none of the pod's networks/,
  },
];

describe("NIC 2 of four fails, and nothing is left of NICs 0 and 1, since", () => {
  test.each(rows)("$title", async ({ arrange, conf: more, args, code, says }) => {
    using node = makeNode(4);
    using pod = makeNamespace("pod");
    using other = makeNamespace("other");
    await arrange({ node, pod, other });
    const before = { pod: kernelState(pod), host: kernelState(node.host), store: storeOf(node) };

    const asked = network(more);
    const error = await refused(node, "ADD", asked, { netns: pod.path, ...(args ? { args } : {}) });
    expect(error).toMatchObject({ code, msg: expect.stringMatching(says) });
    const after = { pod: kernelState(pod), host: kernelState(node.host), store: storeOf(node) };
    expect(after).toEqual(before);
    // What a runtime sends after a failed ADD.
    await succeed(node, "DEL", asked, { netns: pod.path });
    expect(kernelState(pod)).toEqual(before.pod);
  });
});

describeWhere(linkKind("ipvlan"), "with ipvlan, NIC 2 of four fails and nothing is left, since", () => {
  const ipvlan = { plugin: { type: "ipvlan", mode: "l2" } };
  const inTheWay: readonly (readonly [string, string, number, RegExp])[] = [
    ["its master has a macvlan", "macvlan", 7, /eth3 already serves/],
    [
      "another ipvlan of its master has its address",
      "ipvlan mode l2",
      103,
      /192\.168\.65\.1.*another ipvlan/,
    ],
  ];
  test.each(inTheWay)("%s", async (_, type, code, says) => {
    using node = makeNode(4);
    using pod = makeNamespace("pod");
    using other = makeNamespace("other");
    node.host.ip(`link add link eth3 name x0 netns ${other.name} type ${type}`);
    other.ip("addr add 192.168.65.1/19 dev x0");
    other.ip("link set x0 up");
    const before = { pod: kernelState(pod), other: kernelState(other), store: storeOf(node) };
    const error = await refused(node, "ADD", network(ipvlan), { netns: pod.path });
    expect(error).toMatchObject({ code, msg: expect.stringMatching(says) });
    expect({ pod: kernelState(pod), other: kernelState(other), store: storeOf(node) }).toEqual(before);
  });
});

describe("a delegated IPAM fails at the third NIC", () => {
  const gives = (address: string) => `echo '{"cniVersion":"1.0.0","ips":[{"address":"${address}"}]}'`;
  const failures: readonly (readonly [string, string, number, RegExp])[] = [
    [
      "with an error object, which is passed on",
      `echo '{"cniVersion":"1.0.0","code":11,"msg":"no lease","details":"server away"}'; exit 1`,
      11,
      /no lease/,
    ],
    ["with a crash", "echo oops >&2; kill -9 $$", 102, /fake-ipam: ADD failed/],
    ["with something that is no JSON", "echo hello", 102, /fake-ipam: ADD failed/],
    ["with no address", `echo '{"cniVersion":"1.0.0"}'`, 102, /gave no address for eth3/],
  ];
  const failing = (failure: string) => `case $CNI_IFNAME in
    net1-0) ${gives("10.5.0.1/24")} ;;
    net1-1) ${gives("10.5.0.2/24")} ;;
    net1-2) ${failure} ;;
    *) ${gives("10.5.0.4/24")} ;;
  esac`;
  const undone = (ipam: FakeIpam) =>
    ipam
      .calls()
      .filter(({ command }) => command === "DEL")
      .map(({ ifname }) => ifname);

  test.each(failures)("%s", async (_, failure, code, says) => {
    using node = makeNode(4);
    using pod = makeNamespace("pod");
    using ipam = makeFakeIpam(failing(failure));
    const before = kernelState(pod);
    const asked = network({ cniVersion: "1.0.0", multiNICIPAM: false, ipam: { type: ipam.type } });
    const error = await refused(node, "ADD", asked, { netns: pod.path, path: `${bin}:${ipam.folder}` });
    expect(error).toMatchObject({ code, msg: expect.stringMatching(says) });
    expect(kernelState(pod)).toEqual(before);
    expect(storeOf(node)).toEqual({ attachments: [], leases: [] });
    // Every call that may have taken something is undone, the failed one among them.
    expect(undone(ipam)).toEqual(expect.arrayContaining(["net1-0", "net1-1", "net1-2"]));
  });
});

const hostLocal = need(
  "host-local",
  goPlugin("host-local") !== undefined,
  "there is no Go host-local; apt-get install containernetworking-plugins",
);
describeWhere(hostLocal, "Go host-local has two addresses for three NICs", () => {
  test("and gets both of them back", async () => {
    using node = makeNode(4);
    using pod = makeNamespace("pod");
    const before = kernelState(pod);
    const dataDir = mkdtempSync(join(tmpdir(), "host-local-"));
    try {
      const ranges = [[{ subnet: "10.80.0.0/24", rangeStart: "10.80.0.10", rangeEnd: "10.80.0.11" }]];
      const asked = network({
        cniVersion: "1.0.0",
        multiNICIPAM: false,
        ipam: { type: "host-local", dataDir, ranges },
      });
      const error = await refused(node, "ADD", asked, { netns: pod.path });
      expect(error.msg).toMatch(/^host-local: /);
      expect(kernelState(pod)).toEqual(before);
      expect(storeOf(node).attachments).toEqual([]);
      expect(existsSync(join(dataDir, "n1"))).toBe(true);
      expect(readdirSync(join(dataDir, "n1")).filter((file) => file.startsWith("10."))).toEqual([]);
    } finally {
      rmSync(dataDir, { recursive: true });
    }
  });
});
