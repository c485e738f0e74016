import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { JsonObject } from "../../lib/cni/json.ts";
import { conf } from "./conf.ts";
import { describeWhere } from "./kernel.ts";
import { makeNamespace, type Namespace } from "./namespaces.ts";
import { emptyStore, makeHostNode, type Node, storeOf, tamperStore } from "./node.ts";
import { add, bin, refused, succeed, withPrevResult } from "./plugin.ts";
import {
  addressOfVf,
  linkOfVf,
  type PhysicalFunction,
  physicalFunctions,
  setNumberOfVfs,
  sriov,
} from "./sriov.ts";

/** In the test kernel's own namespace, as on a node: to that one the kernel puts devices back. */
describeWhere(sriov(), "virtual functions of an emulated NIC that has SR-IOV", () => {
  let node: Node;
  let pf: PhysicalFunction;
  let names: readonly string[];
  let ids: readonly string[];
  let pods: readonly [Namespace, Namespace];

  beforeAll(async () => {
    const [first] = physicalFunctions();
    if (first === undefined) throw new Error("there is no NIC with SR-IOV");
    pf = first;
    setNumberOfVfs(pf, 0);
    setNumberOfVfs(pf, 3);
    names = await Promise.all([0, 1, 2].map((index) => linkOfVf(pf, index)));
    ids = [0, 1, 2].map((index) => addressOfVf(pf, index));
    node = makeHostNode();
    node.host.ip(`link set ${pf.ifname} up`);
    await carrier(pf.ifname);
    node.host.ip(`link set ${names[0]} alias first mtu 1400`);
    node.host.ip(`link property add dev ${names[0]} altname first-vf`);
    // Once a virtual function has been reset, its physical one knows its address.
    for (const name of names) {
      node.host.ip(`link set ${name} up`);
      node.host.ip(`link set ${name} down`);
    }
    node.host.ip(`link set ${names[1]} up`);
  });
  afterAll(() => {
    if (pf !== undefined) setNumberOfVfs(pf, 0);
    node?.[Symbol.dispose]();
  });
  beforeEach(() => {
    pods = [makeNamespace("pod-a"), makeNamespace("pod-b")];
  });
  afterEach(() => {
    for (const each of pods) each[Symbol.dispose]();
  });

  const network = (deviceIDs: readonly string[], plugin: JsonObject = {}, more: JsonObject = {}) =>
    conf({ plugin: { type: "sriov", ...plugin }, masters: [pf.ifname], deviceIDs }, more);

  type Shown = Record<string, unknown>;
  const vfs = () =>
    node.host.ipJson<{ vfinfo_list: Shown[] }[]>(`link show dev ${pf.ifname}`)[0]?.vfinfo_list;
  const vf = (index: number) => vfs()?.find((each) => each.vf === index);
  const links = () =>
    node.host
      .ipJson<Shown[]>("-d link show")
      .filter(({ ifname }) => ifname !== pf.ifname)
      .map(({ ifname, mtu, address, flags, group, ifalias, altnames }) => ({
        link: { ifname, mtu, address, group, ifalias, altnames },
        up: (flags as string[]).includes("UP"),
      }))
      .sort((a, b) => String(a.link.ifname).localeCompare(String(b.link.ifname)));
  const state = () => ({ links: links(), vfs: vfs() });
  const at = (pod: 0 | 1) => ({ netns: pods[pod].path, containerId: `c${pod + 1}` });

  test("are set up by their physical function, moved in, and then as they were", async () => {
    const before = state();
    const network1 = network(ids.slice(0, 1), {
      vlan: 7,
      vlanQoS: 2,
      spoofchk: "off",
      trust: "on",
      max_tx_rate: 100,
      mac: "02:00:00:00:00:a1",
    });
    const result = await add(node, network1, at(0));
    expect(result.interfaces).toEqual([
      { name: "net1-0", mac: "02:00:00:00:00:a1", mtu: 1400, sandbox: pods[0].path, pciID: ids[0] },
    ]);
    expect(vf(0)).toMatchObject({
      address: "02:00:00:00:00:a1",
      vlan_list: [{ vlan: 7, qos: 2 }],
      spoofchk: false,
      trust: true,
      rate: { max_tx: 100 },
    });
    await succeed(node, "CHECK", withPrevResult(network1, result), at(0));
    node.host.ip(`link set ${pf.ifname} vf 0 vlan 8`);
    const { msg } = await refused(node, "CHECK", withPrevResult(network1, result), at(0));
    expect(msg).toMatch(new RegExp(`net1-0: ${pf.ifname} keeps vlan .*8.* of it, not .*7`));
    await succeed(node, "DEL", network1, at(0));
    expect(state()).toEqual(before);
    expect(storeOf(node)).toEqual(emptyStore);
    await succeed(node, "DEL", network1, at(0));
    expect(state()).toEqual(before);
  });

  test.each([
    ["has another name", ""],
    ["has another name, and its own is another link's", "link add ORIGINAL type bridge"],
  ])("are as they were though their physical function %s by then", async (_title, more) => {
    const before = state();
    const network1 = network(ids.slice(0, 1), { vlan: 7, trust: "on", mac: "02:00:00:00:00:a3" });
    const result = await add(node, network1, at(0));
    // Up as it is: igb forgets the addresses of virtual functions when it goes down.
    node.host.ip(`link set ${pf.ifname} name renamed0`);
    if (more !== "") node.host.ip(more.replace("ORIGINAL", pf.ifname));
    try {
      await succeed(node, "CHECK", withPrevResult(network1, result), at(0));
      await succeed(node, "DEL", network1, at(0));
    } finally {
      if (more !== "") node.host.ip(`link del ${pf.ifname}`);
      node.host.ip(`link set renamed0 name ${pf.ifname}`);
    }
    expect(state()).toEqual(before);
    expect(storeOf(node)).toEqual(emptyStore);
  });

  test("carry traffic, several to a pod, those of one VLAN to each other", async () => {
    const before = state();
    const mine = network(ids.slice(0, 2), { vlan: 7, mtu: 1400 });
    const yours = network(ids.slice(2), { vlan: 7 }, { name: "n1" });
    const first = await add(node, mine, at(0));
    expect(first.interfaces.map(({ name, pciID }) => [name, pciID])).toEqual([
      ["net1-0", ids[0]],
      ["net1-1", ids[1]],
    ]);
    const [address = ""] = (await add(node, yours, at(1))).ips.map((ip) => ip.address.replace(/\/.*/, ""));
    pods[0].exec("ping", "-c", "1", "-w", "20", "-I", "net1-0", address);
    await succeed(node, "DEL", mine, at(0));
    await succeed(node, "DEL", yours, at(1));
    expect(state()).toEqual(before);
  });

  test("are found where the kernel puts them when the pod's namespace ends, and are as they were", async () => {
    const before = state();
    const network1 = network(ids.slice(0, 1), { vlan: 7, mac: "02:00:00:00:00:a2" });
    await add(node, network1, at(0));
    pods[0][Symbol.dispose]();
    pods = [makeNamespace("pod-a"), pods[1]];
    await succeed(node, "DEL", network1, { netns: "", containerId: "c1" });
    expect(state()).toEqual(before);
    expect(storeOf(node)).toEqual(emptyStore);
  });

  test("come back from a pod that is gone by GC, and by the next ADD", async () => {
    const before = state();
    const network1 = network(ids.slice(0, 1), { vlan: 7 });
    await add(node, network1, at(0));
    pods[0][Symbol.dispose]();
    pods = [makeNamespace("pod-a"), pods[1]];
    await succeed(node, "GC", { ...network1, "cni.dev/valid-attachments": [] });
    expect(state()).toEqual(before);
    await add(node, network1, at(0));
    pods[0][Symbol.dispose]();
    pods = [makeNamespace("pod-a"), pods[1]];
    await add(node, network1, at(1));
    expect(storeOf(node).attachments).toEqual(["c2 net1"]);
    await succeed(node, "DEL", network1, at(1));
    expect(state()).toEqual(before);
  });

  test("come back as they were, whatever a pod with rights of its own did to them", async () => {
    const before = state();
    const network1 = network(ids.slice(0, 1));
    await add(node, network1, at(0));
    pods[0].ip(`link set net1-0 down name ${pf.ifname} group 7 alias mine mtu 1280`);
    pods[0].ip(`link property add dev ${pf.ifname} altname ${names[2]}`);
    pods[0].ip("link add net1-0 type bridge");
    await succeed(node, "DEL", network1, at(0));
    expect(state()).toEqual(before);
  });

  test("are as they were after ADDs and DELs that are killed, and a DEL", async () => {
    const before = state();
    const network1 = network(ids.slice(0, 2), { vlan: 7, trust: "on" });
    const killed = (command: string, seconds: number) =>
      spawnSync("timeout", ["-s", "KILL", String(seconds), join(bin, "multi-nic")], {
        env: { ...node.env, ...callOf(command), CNI_NETNS: pods[0].path },
        input: JSON.stringify(network1),
      });
    for (const seconds of [0.4, 0.7, 1, 1.3]) {
      killed("ADD", seconds);
      killed("DEL", seconds);
      await succeed(node, "DEL", network1, at(0));
      expect(state()).toEqual(before);
      expect(storeOf(node)).toEqual(emptyStore);
    }
  });

  test.each(["host-device", "mellanox"])(
    "are lent whole by %s too, by resources that are joined by commas",
    async (type) => {
      const before = state();
      const mellanox = conf({ plugin: { type }, deviceID: ids.slice(0, 2).join(",") });
      const result = await add(node, mellanox, at(0));
      expect(result.interfaces.map(({ pciID }) => pciID)).toEqual(ids.slice(0, 2));
      await succeed(node, "CHECK", withPrevResult(mellanox, result), at(0));
      await succeed(node, "DEL", mellanox, at(0));
      expect(state()).toEqual(before);
    },
  );

  test("go home by their alias where the store was lost", async () => {
    const [before, name] = [state(), names[1]];
    const one = network(ids.slice(1, 2));
    await add(node, one, at(0));
    tamperStore(node, "DELETE FROM leases; DELETE FROM attachments");
    await succeed(node, "DEL", one, at(0));
    expect(node.host.ip(`link show dev ${name}`)).toContain("state DOWN");
    node.host.exec("ip", "link", "set", `${name}`, "group", "default", "alias", "", "up");
    expect(state()).toEqual(before);
  });

  test("are one pod's at a time, and the refusal names the other", async () => {
    await add(node, network(ids.slice(0, 1)), at(0));
    const { code, msg } = await refused(node, "ADD", network(ids.slice(0, 2)), at(1));
    expect([code, msg]).toEqual([
      105,
      expect.stringMatching(
        new RegExp(`^deviceIDs: ${names[0]} \\(${ids[0]}\\) is with container c1 as net1-0`),
      ),
    ]);
    await succeed(node, "DEL", network(ids.slice(0, 1)), at(0));
  });

  test.each<[string, () => JsonObject, number, RegExp]>([
    [
      "it is gone",
      () => network(["0000:01:1f.7"]),
      7,
      /^deviceIDs: "0000:01:1f\.7" is no PCI device of this host/,
    ],
    [
      "it is no virtual function",
      () => network([pciOf(pf)]),
      7,
      /^deviceIDs: "0000:01:00\.0" \(eth0\) is no virtual function/,
    ],
    ["none is named", () => network([]), 7, /^deviceIDs: are missing; sriov gets/],
    [
      "the physical function has no such VLAN protocol",
      () => network(ids.slice(0, 2), { trust: "on", vlan: 7, vlanProto: "802.1ad" }),
      7,
      /^plugin\.vlan: 7 \(vlanQoS 0, vlanProto 802\.1ad\) is refused by eth0 \(EPROTONOSUPPORT\)/,
    ],
    [
      "the physical function has no such rate",
      () => network(ids.slice(0, 2), { vlan: 7, max_tx_rate: 4_000_000 }),
      7,
      /^plugin\.max_tx_rate: 4000000 \(min_tx_rate 0\) is refused by eth0/,
    ],
  ])("are refused with nothing changed where %s", async (_title, make, code, message) => {
    const before = state();
    const said = await refused(node, "ADD", make(), at(0));
    expect([said.code, said.msg]).toEqual([code, expect.stringMatching(message)]);
    expect(state()).toEqual(before);
    expect(storeOf(node)).toEqual(emptyStore);
  });
});

const callOf = (command: string) => ({
  PATH: process.env.PATH ?? "",
  CNI_COMMAND: command,
  CNI_CONTAINERID: "c1",
  CNI_IFNAME: "net1",
  CNI_PATH: bin,
});

const pciOf = ({ device }: PhysicalFunction): string =>
  /PCI_SLOT_NAME=(.*)/.exec(readFileSync(`${device}/uevent`, "utf8"))?.[1] ?? "";

/** igb resets the NIC when virtual functions come or go: its carrier is away for seconds. */
async function carrier(ifname: string): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (readFileSync(`/sys/class/net/${ifname}/carrier`, "utf8").trim() === "1") return;
    await sleep(50);
  }
  throw new Error(`${ifname} has no carrier`);
}
