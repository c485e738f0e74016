import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../lib/cni/json.ts";
import { fakeKubelet, fakeSysfs } from "../live/fake-sysfs.ts";
import { describeWhere, linkKind, need } from "../live/kernel.ts";
import { makeMasters, makeNamespace, type Namespace, whyNoNamespaces } from "../live/namespaces.ts";
import { type CniResult, goPlugins, runChain } from "./chain.ts";
import {
  type ConfList,
  classFile,
  dpuConfs,
  folder,
  lists,
  networks,
  pluginsOf,
  readJson,
} from "./templates.ts";

const noNamespaces = whyNoNamespaces();
const root = need("namespaces", noNamespaces === undefined, noNamespaces ?? "");
const goNeeded = need(
  "containernetworking-plugins",
  goPlugins !== undefined,
  "no Go bridge and host-local: apt-get install containernetworking-plugins",
);

/** A host with the NICs that the templates name, a pod, and a state folder of their own. */
interface Node extends Disposable {
  readonly host: Namespace;
  readonly pod: Namespace;
  readonly state: string;
}

function makeNode(network: string): Node {
  const parts = new DisposableStack();
  const host = parts.use(makeNamespace("host"));
  const fabric = parts.use(makeNamespace("fabric"));
  const pod = parts.use(makeNamespace("pod"));
  makeMasters(host, fabric, ["eth1", "eth2"]);
  host.ip("address add 10.1.0.1/24 dev eth1");
  host.ip("address add 10.2.0.1/24 dev eth2");
  const state = parts.adopt(mkdtempSync(join(tmpdir(), "mnc-node-")), (dir) =>
    rmSync(dir, { recursive: true }),
  );
  cpSync(join(folder, classFile), join(state, classFile));
  mkdirSync(join(state, "networks"));
  writeFileSync(join(state, "networks", `${network}.json`), JSON.stringify({ hostIndex: 0 }));
  return { host, pod, state, [Symbol.dispose]: () => parts.dispose() };
}

/** The template as it is, but host-local's files go to the test's own folder. */
function withinState(conf: JsonObject, state: string): JsonObject {
  const ipam = conf.ipam as JsonObject | undefined;
  return ipam?.type === "host-local"
    ? { ...conf, ipam: { ...ipam, dataDir: join(state, "host-local") } }
    : conf;
}

interface Scenario {
  readonly network: string;
  readonly confs: (state: string) => readonly JsonObject[];
  readonly ifname: string;
  /** Interface of the pod → its addresses, as the first pod of host 0 gets them. */
  readonly gets: Readonly<Record<string, readonly string[]>>;
  /** What the node has that veths have not */
  readonly facts?: Facts | undefined;
}

interface Facts {
  readonly sys: string;
  readonly kubelet?: string;
}

/** ADD, CHECK and DEL of a template, compared with what `ip` shows in the pod. */
function attaches({ network, confs, ifname, gets, facts }: Scenario): void {
  using node = makeNode(network);
  const run = (command: string, before?: CniResult) =>
    runChain(command, confs(node.state), { ...node, ...facts, ifname }, before);
  const result = run("ADD");
  expect(addressesIn(result)).toEqual(gets);
  expect(addressesOf(node.pod)).toEqual(gets);
  runChain("CHECK", confs(node.state).filter(isChecked), { ...node, ifname }, result);
  run("DEL", result);
  expect(addressesOf(node.pod)).toEqual({});
  expect(node.pod.ipJson("rule show")).toHaveLength(3);
  expect(node.pod.ipJson("-6 rule show")).toHaveLength(2);
}

/** The Go bridge's CHECK refuses addresses of other interfaces than its own; hence the list's `disableCheck`. */
const isChecked = ({ type }: JsonObject): boolean => type !== "bridge";

function addressesIn({ interfaces, ips }: CniResult): Record<string, string[]> {
  const ofPod = interfaces.filter(({ sandbox }) => sandbox !== undefined);
  return Object.fromEntries(
    ofPod.map(({ name }) => [
      name,
      ips.filter((ip) => interfaces[ip.interface]?.name === name).map(({ address }) => address),
    ]),
  );
}

function addressesOf(pod: Namespace): Record<string, string[]> {
  const links = pod.ipJson<LinkAddresses[]>("address show").filter(({ ifname }) => ifname !== "lo");
  return Object.fromEntries(
    links.map(({ ifname, addr_info }) => [
      ifname,
      addr_info
        .filter(({ scope }) => scope === "global")
        .map(({ local, prefixlen }) => `${local}/${prefixlen}`),
    ]),
  );
}

interface LinkAddresses {
  readonly ifname: string;
  readonly addr_info: readonly {
    readonly local: string;
    readonly prefixlen: number;
    readonly scope: string;
  }[];
}

type Network = (typeof networks)[number];

/** What the pod gets of each network; undefined where a cluster is needed to run it. */
const gets: Record<Network, Scenario["gets"] | undefined> = {
  // eth2 alone is of the class; each NIC keeps its block.
  "multi-nic-device-class": { "net1-0": ["172.21.64.1/18"] },
  "multi-nic-dual-stack": {
    "net1-0": ["10.20.0.8/18", "fd00:20::100/50"],
    "net1-1": ["10.20.64.1/18", "fd00:20:0:4000::1/50"],
  },
  // A veth has 10 Gbit/s.
  "multi-nic-fewest": { "net1-0": ["172.23.0.1/18"] },
  "multi-nic-host-device": { "net1-0": ["172.26.0.1/18"], "net1-1": ["172.26.64.1/18"] },
  "multi-nic-host-local": { "net1-0": ["10.40.1.10/16"], "net1-1": ["10.40.1.11/16"] },
  "multi-nic-ipvlan-l2": { "net1-0": ["172.29.0.1/18"], "net1-1": ["172.29.64.1/18"] },
  "multi-nic-ipvlan-l3": { "net1-0": ["192.168.0.1/18"], "net1-1": ["192.168.64.1/18"] },
  "multi-nic-least-loaded": { "net1-0": ["172.20.0.1/18"], "net1-1": ["172.20.64.1/18"] },
  "multi-nic-macvlan": { "net1-0": ["172.30.0.1/18"], "net1-1": ["172.30.64.1/18"] },
  "multi-nic-most-bandwidth": { "net1-0": ["172.24.0.1/18"], "net1-1": ["172.24.64.1/18"] },
  // One NIC is asked for: the one that shares a switch with the GPU.
  "multi-nic-near-gpu": { "net1-0": ["172.22.64.1/18"] },
  "multi-nic-source-routing": { "net1-0": ["10.30.0.1/18"], "net1-1": ["10.30.64.1/18"] },
  // Virtual functions are for test/live/sriov.live.test.ts, which runs the same in the test kernel.
  "multi-nic-sriov": undefined,
  "multi-nic-vlan": { "net1-0": ["172.25.0.1/18"], "net1-1": ["172.25.64.1/18"] },
  // whereabouts keeps its leases in the API server.
  "multi-nic-whereabouts": undefined,
};

const nics = {
  eth1: { id: "8086:1572", path: ["0000:3a:00.0", "0000:3b:00.0"] },
  eth2: { id: "15B3:101D", path: ["0000:3a:01.0", "0000:3c:00.0", "0000:3d:00.0", "0000:3e:00.0"] },
};
const gpu = ["0000:3a:01.0", "0000:3c:00.0", "0000:3d:01.0", "0000:3f:00.0"];
const factsOf: { readonly [N in Network]?: () => Facts } = {
  "multi-nic-device-class": () => ({ sys: fakeSysfs(nics) }),
  "multi-nic-near-gpu": () => ({ sys: fakeSysfs(nics, [gpu]), kubelet: fakeKubelet("0000:3f:00.0") }),
};
const asked: { readonly [N in Network]?: JsonObject } = { "multi-nic-near-gpu": { nics: 1 } };

describe.each(networks.filter((network) => gets[network] !== undefined))("%s.conf", (network) => {
  const { plugin, ipam } = readJson<{
    plugin: { type: "ipvlan" | "macvlan" | "vlan" | "host-device" };
    ipam: { type: string };
  }>(`${network}.conf`);
  const needs = [
    root,
    linkKind(plugin.type === "host-device" ? "veth" : plugin.type),
    ...(ipam.type === "host-local" ? [goNeeded] : []),
  ];
  describeWhere(needs, "on a node with eth1 and eth2", () => {
    test("attaches its NICs, passes its CHECK, and leaves nothing", () => {
      const args = asked[network] && { args: { cni: asked[network] } };
      const confs = (state: string) => [withinState({ ...readJson(`${network}.conf`), ...args }, state)];
      attaches({ network, confs, ifname: "net1", gets: gets[network] ?? {}, facts: factsOf[network]?.() });
    });
  });
});

const getsOfLists: Record<keyof typeof lists, Scenario["gets"]> = {
  "10-bridge-multi-nic.conflist": {
    eth0: ["10.88.0.2/16"],
    "eth0-0": ["10.70.0.1/18"],
    "eth0-1": ["10.70.64.1/18"],
  },
  "10-multi-nic-only.conflist": { eth0: ["10.60.0.1/18"], "eth0-1": ["10.60.64.1/18"] },
};

describe.each(Object.entries(lists))("%s", (file, network) => {
  const confs = (state: string) =>
    pluginsOf(readJson<ConfList>(file)).map((conf) => withinState(conf, state));
  const others = confs("").some(({ type }) => type !== "multi-nic");
  describeWhere(
    [root, linkKind("macvlan"), ...(others ? [goNeeded] : [])],
    "on a node with eth1 and eth2",
    () => {
      test("attaches both NICs, passes its CHECK, and leaves nothing", () => {
        attaches({ network, confs, ifname: "eth0", gets: getsOfLists[file as keyof typeof lists] });
      });
    },
  );
});

describeWhere([root], "on a DPU", () => {
  test.each(dpuConfs)("%s refuses a pod with the remedy, and serves its CHECK and DEL", (file) => {
    using node = makeNode("infra-dpu-cni");
    const confs = [readJson(file)];
    const call = { ...node, ifname: "eth0" };
    expect(() => runChain("ADD", confs, call)).toThrow("hostNetwork: true");
    runChain("CHECK", confs, call);
    runChain("DEL", confs, call);
  });
});
