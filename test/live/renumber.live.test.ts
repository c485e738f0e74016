import { spawn, spawnSync } from "node:child_process";
import { closeSync, constants, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { JsonObject } from "../../lib/cni/json.ts";
import { conf } from "./conf.ts";
import { startDaemon } from "./daemon.ts";
import { describeWhere, linkKind } from "./kernel.ts";
import { linksOf } from "./kernel-state.ts";
import { makeNamespace, type Namespace } from "./namespaces.ts";
import { emptyStore, makeNode, masterAddress, type Node, storeOf, writeNodeFile } from "./node.ts";
import { add, bin, cniPath } from "./plugin.ts";

// A host gets another index while an ADD is at work: the ADD has another block, or the host keeps its own.
let node: Node;
let pod: Namespace;
beforeEach(() => {
  node = makeNode(2);
  pod = makeNamespace("pod");
});
afterEach(() => {
  pod[Symbol.dispose]();
  node[Symbol.dispose]();
});

const soon = (check: () => void) => vi.waitFor(check, { timeout: 30_000, interval: 20 });
const ipam = { type: "multi-nic-ipam", interfaceBlock: 3, hostBlock: 5 };

/** An ADD that has read the node file and waits for kubelet's checkpoint, which is a pipe: into it writes what it gives. */
async function startAdd(network: JsonObject): Promise<() => Promise<JsonObject>> {
  const kubeletDir = join(dirname(node.stateDir), "kubelet");
  const checkpoint = join(kubeletDir, "device-plugins/kubelet_internal_checkpoint");
  mkdirSync(dirname(checkpoint), { recursive: true });
  spawnSync("mkfifo", [checkpoint]);
  // Not by way of a multi-nicd, whose only thread would wait.
  const words = ["netns", "exec", node.host.name, join(bin, "multi-nic-cni"), "multi-nic"];
  const env = {
    PATH: process.env.PATH,
    CNI_COMMAND: "ADD",
    CNI_CONTAINERID: "c1",
    CNI_NETNS: pod.path,
    CNI_IFNAME: "net1",
    CNI_PATH: cniPath,
    CNI_ARGS: "IgnoreUnknown=1;K8S_POD_UID=uid-1",
    MULTI_NIC_CNI_KUBELET_DIR: kubeletDir,
    ...node.env,
  };
  const child = spawn("ip", words, { env, stdio: ["pipe", "pipe", "ignore"] });
  const said = text(child.stdout);
  child.stdin.end(JSON.stringify({ ...network, attachPolicy: { strategy: "topology" } }));
  let pipe = -1;
  // ENXIO until somebody reads.
  await soon(() => {
    pipe = openSync(checkpoint, constants.O_WRONLY | constants.O_NONBLOCK);
  });
  return async () => {
    const nothing = { Data: { PodDeviceEntries: [], RegisteredDevices: {} }, Checksum: 1 };
    writeFileSync(pipe, JSON.stringify(nothing));
    closeSync(pipe);
    return JSON.parse(await said);
  };
}

const addressesOf = (result: JsonObject) =>
  (result.ips as { address: string }[]).map(({ address }) => address);
const remains = () => ({ ...storeOf(node), links: linksOf(pod).map(({ ifname }) => ifname) });
const nothing = { ...emptyStore, links: ["lo"] };

describeWhere([linkKind("macvlan"), linkKind("veth")], "an ADD that is at work", () => {
  const first = { hostIndex: 0, masters: [{ name: "eth1", interfaceIndex: 0 }] };
  const network = conf({ name: "rails", ipam });

  test.each<[string, JsonObject | undefined]>([
    ["the host's index", { ...first, hostIndex: 7 }],
    ["the NIC's number", { ...first, masters: [{ name: "eth1", interfaceIndex: 1 }] }],
    ["the host's blocks", { ...first, blocks: { 0: ["192.168.7.0/24"] } }],
    ["the whole file, which is gone,", undefined],
  ])("takes nothing where %s is another meanwhile, and says so", async (_title, then) => {
    writeNodeFile(node, "rails", first);
    const goOn = await startAdd(network);
    if (then !== undefined) writeNodeFile(node, "rails", then);
    else spawnSync("rm", [join(node.stateDir, "networks/rails.json")]);
    const { code, msg } = await goOn();
    expect([code, msg]).toEqual([11, expect.stringMatching(/^node file ".*rails\.json" .*try again/)]);
    expect(remains()).toEqual(nothing);
  });

  test("goes on where the file was written anew as it was", async () => {
    writeNodeFile(node, "rails", first);
    const goOn = await startAdd(network);
    writeNodeFile(node, "rails", first);
    expect(addressesOf(await goOn())).toEqual(["192.168.0.1/19"]);
  });

  test("is seen by a multi-nicd that renumbers the host, or sees that it has", async () => {
    const file = join(dirname(node.stateDir), "cluster.yaml");
    const nodeFile = join(node.stateDir, "networks/rails.json");
    const place = (index: number) =>
      writeFileSync(
        file,
        JSON.stringify({
          networks: [{ name: "rails", subnet: "192.168.0.0/16", ipam, plugin: { type: "macvlan" } }],
          hosts: [{ name: "h1", index, addresses: [masterAddress(1), masterAddress(2)] }],
        }),
      );
    const indexIs = (index: number) =>
      soon(() => expect(JSON.parse(readFileSync(nodeFile, "utf8"))).toMatchObject({ hostIndex: index }));
    place(0);
    using daemon = startDaemon(node.host.name, node.stateDir, ["--cluster", file, "--node", "h1"]);
    await indexIs(0);
    const goOn = await startAdd(network);
    place(7);
    await indexIs(7);
    expect(await goOn()).toMatchObject({ code: 11 });
    expect(remains()).toEqual(nothing);
    expect(addressesOf((await add(node, network, { netns: pod.path })) as never)).toEqual([
      "192.168.7.1/19",
      "192.168.39.1/19",
    ]);
    place(3);
    await soon(() => expect(readFileSync(daemon.log, "utf8")).toMatch(/1 attachments of this host have/));
    expect(existsSync(nodeFile)).toBe(true);
    await indexIs(7);
  });
});
