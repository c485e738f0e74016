import { readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { JsonObject } from "../../lib/cni/json.ts";
import { conf } from "./conf.ts";
import { describeWhere, linkKind } from "./kernel.ts";
import { addressesOf, linkOf, linksOf } from "./kernel-state.ts";
import { makeNamespace, type Namespace } from "./namespaces.ts";
import { emptyStore, makeNode, type Node, storeOf, tamperStore } from "./node.ts";
import { add, refused, succeed, withPrevResult } from "./plugin.ts";

let node: Node;
let pod: Namespace;
beforeEach(() => {
  node = makeNode(3);
  pod = makeNamespace("pod");
  node.host.ip("link set eth1 alias uplink");
  node.host.ip("link property add dev eth1 altname first-nic");
  node.host.ip("link set eth2 down mtu 1400");
});
afterEach(() => {
  for (const each of [pod, node]) each[Symbol.dispose]();
});

const network = (...more: readonly JsonObject[]) =>
  conf({ plugin: { type: "host-device" }, masters: ["eth1", "eth2"] }, ...more);

/** All of the host's links, but for what a move in and out of a namespace changes whatever one does. */
const hostLinks = () =>
  node.host
    .ipJson<readonly Record<string, unknown>[]>("-d link show")
    .map(({ ifname, mtu, address, flags, group, ifalias, altnames, ifindex }) => ({
      link: { ifname, mtu, address, group, ifalias, altnames, ifindex },
      up: (flags as string[]).includes("UP"),
    }));

const namesIn = (ns: Namespace) => linksOf(ns).map(({ ifname }) => ifname);

describeWhere(linkKind("veth"), "devices of the host", () => {
  test("are in the pod from ADD to DEL, addressed, and then as they were", async () => {
    const before = hostLinks();
    const result = await add(node, network(), { netns: pod.path });
    expect(result.interfaces.map(({ name, mac, mtu }) => [name, mac, mtu])).toEqual([
      ["net1-0", before.find(({ link }) => link.ifname === "eth1")?.link.address, 1500],
      ["net1-1", before.find(({ link }) => link.ifname === "eth2")?.link.address, 1400],
    ]);
    expect(result.ips.map(({ address }) => address)).toEqual(["192.168.1.1/19", "192.168.33.1/19"]);
    expect(namesIn(node.host)).toEqual(["lo", "eth3"]);
    expect(linkOf(pod, "net1-1").flags).toContain("UP");
    await succeed(node, "CHECK", withPrevResult(network(), result), { netns: pod.path });
    await succeed(node, "STATUS", network());
    await succeed(node, "DEL", network(), { netns: pod.path });
    expect(hostLinks()).toEqual(before);
    expect(namesIn(pod)).toEqual(["lo"]);
    expect(storeOf(node)).toEqual(emptyStore);
    await succeed(node, "DEL", network(), { netns: pod.path });
    expect(hostLinks()).toEqual(before);
  });

  test.each<[string, (before: ReturnType<typeof hostLinks>) => JsonObject]>([
    ["its name", () => ({ device: "eth3" })],
    ["its address", () => ({ hwaddr: linkOf(node.host, "eth3").address.toUpperCase() })],
  ])("are one, by %s", async (_title, named) => {
    const before = hostLinks();
    const one = network({ masters: null, plugin: { type: "host-device", ...named(before), mtu: 1300 } });
    await add(node, one, { netns: pod.path });
    expect(linkOf(pod, "net1-0").mtu).toBe(1300);
    await succeed(node, "DEL", one, { netns: "" });
    expect(hostLinks()).toEqual(before);
  });

  test("take the MAC that is asked for, and leave it in the pod", async () => {
    const before = hostLinks();
    const plugin = { type: "host-device", device: "eth3", mac: "02:00:00:00:00:a1" };
    const result = await add(node, network({ plugin }), { netns: pod.path });
    expect(result.interfaces[0]?.mac).toBe("02:00:00:00:00:a1");
    await succeed(node, "DEL", network({ plugin }), { netns: pod.path });
    expect(hostLinks()).toEqual(before);
  });

  test("take their own addresses along with host-device-ipam, and bring them back", async () => {
    const before = [hostLinks(), addressesOf(node.host, "eth1"), addressesOf(node.host, "eth2")];
    const own = network({ ipam: { type: "host-device-ipam" } });
    const result = await add(node, own, { netns: pod.path });
    expect(result.ips.map((ip) => [ip.interface, ip.address])).toEqual([
      [0, "10.1.0.1/24"],
      [0, "fd01::1/64"],
      [1, "10.2.0.1/24"],
    ]);
    expect(addressesOf(pod, "net1-0")).toEqual(["10.1.0.1/24", "fd01::1/64"]);
    await succeed(node, "CHECK", withPrevResult(own, result), { netns: pod.path });
    await succeed(node, "DEL", own, { netns: pod.path });
    expect([hostLinks(), addressesOf(node.host, "eth1"), addressesOf(node.host, "eth2")]).toEqual(before);
  });

  test("come back as they were, whatever a pod with rights of its own did to them", async () => {
    const before = hostLinks();
    await add(node, network(), { netns: pod.path });
    pod.ip("link set net1-0 down name eth3 alias mine address 02:00:00:00:00:b1 mtu 1280");
    pod.ip("link property add dev eth3 altname eth2");
    pod.ip("link property del dev eth3 altname first-nic");
    pod.ip("link set net1-1 down alias mine group 7");
    await succeed(node, "DEL", network(), { netns: pod.path });
    expect(hostLinks()).toEqual(before);
    expect(namesIn(pod)).toEqual(["lo"]);
  });

  test("end with a namespace that ends, where they are virtual; DEL and GC have nothing to do", async () => {
    await add(node, network(), { netns: pod.path });
    pod[Symbol.dispose]();
    pod = makeNamespace("pod");
    await succeed(node, "DEL", network(), { netns: "" });
    expect(storeOf(node)).toEqual(emptyStore);
  });

  test("are given back by GC, and by an ADD that needs them, where the pod is gone", async () => {
    const before = hostLinks();
    await add(node, network(), { netns: pod.path });
    await succeed(node, "GC", { ...network(), "cni.dev/valid-attachments": [] });
    expect(hostLinks()).toEqual(before);
    await add(node, network(), { netns: pod.path });
    tamperStore(node, "UPDATE attachments SET state = 'deleting', pid = 4194304");
    const other = { ...network(), name: "other" };
    await add(node, other, { netns: pod.path, containerId: "c2" });
    expect(storeOf(node).attachments).toEqual(["c2 net1"]);
    await succeed(node, "DEL", other, { netns: pod.path, containerId: "c2" });
    expect(hostLinks()).toEqual(before);
  });

  test("are one pod's at a time, and the refusal names the other", async () => {
    using second = makeNamespace("second");
    await add(node, network({ masters: ["eth1"] }), { netns: pod.path });
    const at = { netns: second.path, containerId: "c2" };
    for (const plugin of [{ type: "host-device" }, { type: "host-device", device: "eth1" }]) {
      const { code, msg } = await refused(node, "ADD", network({ plugin }), at);
      expect([code, msg]).toEqual([
        105,
        expect.stringMatching(/eth1 is with container c1 as net1-0 \(network n1, \/run\/.*delete that pod/),
      ]);
    }
    expect(namesIn(second)).toEqual(["lo"]);
    expect(namesIn(node.host)).toEqual(["lo", "eth2", "eth3"]);
    expect(storeOf(node).attachments).toEqual(["c1 net1"]);
  });

  test("come back from an ADD that fails at a later one", async () => {
    const before = hostLinks();
    pod.ip("link add net2-0 type veth peer name p0");
    pod.ip("link property add dev p0 altname net1-1");
    const { code } = await refused(node, "ADD", network(), { netns: pod.path });
    expect(code).toBe(105);
    expect(hostLinks()).toEqual(before);
    expect(storeOf(node)).toEqual(emptyStore);
  });

  // NICs come home: sriov.live.test.ts.
  test("stay in the pod where the store was lost, and they are such as a pod can make", async () => {
    await add(node, network(), { netns: pod.path });
    tamperStore(node, "DELETE FROM leases; DELETE FROM attachments");
    await succeed(node, "DEL", network(), { netns: pod.path });
    expect(namesIn(node.host)).toEqual(["lo", "eth3"]);
    expect(namesIn(pod).sort()).toEqual(["lo", "net1-0", "net1-1"]);
  });

  test("wait for their name, where another link of the host has it meanwhile", async () => {
    const before = hostLinks();
    await add(node, network(), { netns: pod.path });
    node.host.ip("link add eth1 type bridge");
    const { code, msg } = await refused(node, "DEL", network(), { netns: pod.path });
    expect([code, msg]).toEqual([105, expect.stringMatching(/^eth1 is back and cannot have its name/)]);
    expect(storeOf(node).attachments).toEqual(["c1 net1"]);
    node.host.ip("link del eth1");
    await succeed(node, "DEL", network(), { netns: pod.path });
    expect(hostLinks()).toEqual(before);
    expect(storeOf(node)).toEqual(emptyStore);
  });

  test("leave a further name to another link that has it meanwhile", async () => {
    const before = hostLinks();
    await add(node, network(), { netns: pod.path });
    node.host.ip("link property add dev eth3 altname first-nic");
    await succeed(node, "DEL", network(), { netns: pod.path });
    const names = ({ link: { ifname, altnames } }: ReturnType<typeof hostLinks>[number]) => [
      ifname,
      altnames,
    ];
    expect(hostLinks().map(names)).toEqual([
      ["lo", undefined],
      ["eth1", undefined],
      ["eth2", undefined],
      ["eth3", ["first-nic"]],
    ]);
    expect(storeOf(node)).toEqual(emptyStore);
    expect(readFileSync(node.logFile, "utf8")).toMatch(/"another link has further names.*"first-nic"/);
    node.host.ip("link property del dev eth3 altname first-nic");
    node.host.ip("link property add dev eth1 altname first-nic");
    expect(hostLinks()).toEqual(before);
  });

  test("that are others than ADD moved are told by CHECK", async () => {
    const result = await add(node, network(), { netns: pod.path });
    pod.ip("link set net1-0 down name away");
    pod.ip("link add net1-0 up type bridge");
    const said = await refused(node, "CHECK", withPrevResult(network(), result), { netns: pod.path });
    expect(said.msg).toContain("net1-0 is another link than eth1");
  });

  test.each<[string, () => unknown, JsonObject, RegExp]>([
    [
      "none is named",
      () => undefined,
      { masters: null },
      /^masters: are missing; host-device takes NICs away/,
    ],
    ["it is the loopback", () => undefined, { masters: ["lo"] }, /^masters: "lo" is the loopback/],
    [
      "it has the default route",
      () => {
        node.host.ip("addr add 10.77.0.1/24 dev eth3");
        node.host.ip("route add default via 10.77.0.2 dev eth3");
      },
      { masters: ["eth1", "eth3"] },
      /^masters: "eth3" has the host's default route/,
    ],
    [
      "it is a port of a bridge",
      () => node.host.ip("link add br0 type bridge") + node.host.ip("link set eth3 master br0"),
      { plugin: { type: "host-device", device: "eth3" } },
      /^plugin\.device: "eth3" is a port of link \d+/,
    ],
    ["there is none of the name", () => undefined, { masters: ["eth9"] }, /^masters: "eth9" is no link/],
    [
      "there is none of the address",
      () => undefined,
      { plugin: { type: "host-device", hwaddr: "02:00:00:00:0f:ff" } },
      /^plugin\.hwaddr: "02:00:00:00:0f:ff" is the address of no link/,
    ],
    [
      "there is none of the PCI address",
      () => undefined,
      { deviceIDs: ["ffff:ff:1f.7"] },
      /^deviceIDs: "ffff:ff:1f\.7" is no PCI device of this host any more/,
    ],
    [
      "its kernel path is not there",
      () => undefined,
      { plugin: { type: "host-device", kernelpath: "/sys/devices/pci0000:00/none" } },
      /^plugin\.kernelpath: .* is not there/,
    ],
    [
      "it has no address to take along",
      () => node.host.ip("addr flush dev eth2"),
      { ipam: { type: "host-device-ipam" } },
      /^ipam\.type: host-device-ipam .* eth2 has none/,
    ],
    [
      "more are asked for",
      () => undefined,
      { args: { cni: { nics: 3 } } },
      /^args\.cni\.nics: 3 are asked for/,
    ],
  ])("are refused with nothing changed where %s", async (_title, arrange, more, message) => {
    arrange();
    const before = hostLinks();
    const { code, msg } = await refused(node, "ADD", network(more), { netns: pod.path });
    expect([code, msg]).toEqual([7, expect.stringMatching(message)]);
    expect(hostLinks()).toEqual(before);
    expect(storeOf(node)).toEqual(emptyStore);
  });
});
