import { describe, expect, test } from "vitest";
import { formatCidr, parseCidr } from "../../../lib/net/address.ts";
import * as k from "../../../lib/netlink/constants.ts";
import { newAddress } from "../../../lib/netlink/message/address.ts";
import type { HostNic } from "../../../lib/nic/host-nic.ts";
import { type SurveyOptions, surveyNics } from "../../../lib/nic/survey.ts";
import { host as bluefieldHost, vfAddress, vfFolder } from "../../doctor/bluefield.ts";
import { type Entries, writeTree } from "../../doctor/captured.ts";
import { type FakeLink, fakeNetlink, linkBody } from "../netlink/fake-netlink.ts";
import { deviceTree, ueventOf } from "./tree.ts";

const cable = (name: string, index: number, more: Partial<FakeLink> = {}): FakeLink => ({
  name,
  index,
  ...more,
});
const down = 0x1002;

async function survey(
  links: readonly FakeLink[],
  entries: Entries,
  addresses: readonly [index: number, cidr: string][] = [],
  options: SurveyOptions = {},
): Promise<HostNic[]> {
  const netlink = fakeNetlink(({ type }) => {
    if (type === k.RTM_GETROUTE) return [];
    if (type === k.RTM_GETLINK) return links.map(linkBody);
    return addresses.map(([index, cidr]) => newAddress({ index, cidr: parseCidr(cidr), nodad: false }).body);
  });
  return surveyNics({ netlink, sys: `${writeTree(entries)}/sys` }, options);
}

const named = (nics: readonly HostNic[]) => Object.fromEntries(nics.map((nic) => [nic.name, nic]));
const connectX = { id: "15B3:101D", driver: "mlx5_core" };
const eth1 = deviceTree(
  "eth1",
  { path: ["pci0000:3a", "0000:3a:00.0", "0000:3b:00.0"], pci: connectX },
  100000,
);
const eth2 = deviceTree(
  "eth2",
  { path: ["pci0000:3a", "0000:3a:00.0", "0000:3b:00.1"], pci: connectX },
  100000,
);

describe("the device behind a NIC", () => {
  test("a PCI function with its driver, speed, NUMA node, RDMA device and virtual functions", async () => {
    const more: Entries = {
      numa_node: "1\n",
      sriov_totalvfs: "8\n",
      virtfn1: { link: "../0000:3b:00.3" },
      virtfn0: { link: "../0000:3b:00.2" },
      "infiniband/mlx5_0/": "755",
    };
    const tree = deviceTree(
      "eth1",
      { path: ["pci0000:3a", "0000:3a:00.0", "0000:3b:00.0"], pci: connectX, more },
      200000,
    );
    const [nic] = await survey([cable("eth1", 2)], tree, [[2, "10.1.0.1/16"]]);
    expect(nic).toMatchObject({
      name: "eth1",
      sort: "device",
      physical: true,
      representor: false,
      operstate: "unknown",
      speed: 200000,
    });
    expect(nic?.addresses.map(formatCidr)).toEqual(["10.1.0.1/16"]);
    expect(nic?.devices).toEqual([
      {
        bus: "pci",
        address: "0000:3b:00.0",
        path: ["pci0000:3a", "0000:3a:00.0", "0000:3b:00.0"],
        vendor: "15b3",
        product: "101d",
        pciClass: "020000",
        driver: "mlx5_core",
        numaNode: 1,
        rdma: ["mlx5_0"],
        virtualFunctions: { total: 8, addresses: ["0000:3b:00.2", "0000:3b:00.3"] },
      },
    ]);
  });

  test("a virtio device has the address and identity of its PCI function, and no speed (-1) or NUMA node (-1)", async () => {
    const pci = { id: "1AF4:1041", driver: "virtio-pci" };
    const tree = deviceTree(
      "eth0",
      { path: ["pci0000:00", "0000:00:03.0", "virtio2"], pci, more: { numa_node: "-1\n" } },
      -1,
    );
    const uevent = "/sys/devices/pci0000:00/0000:00:03.0/virtio2/uevent";
    const [nic] = await survey([cable("eth0", 2)], { ...tree, [uevent]: "DRIVER=virtio_net\n" });
    expect(nic).not.toHaveProperty("speed");
    expect(nic?.devices).toEqual([
      {
        bus: "virtio",
        address: "0000:00:03.0",
        path: ["pci0000:00", "0000:00:03.0"],
        vendor: "1af4",
        product: "1041",
        pciClass: "020000",
        driver: "virtio_net",
        rdma: [],
      },
    ]);
  });

  test("a device on another bus counts too", async () => {
    const [nic] = await survey([cable("oob0", 2)], deviceTree("oob0", { path: ["platform", "MLNXBF17:00"] }));
    expect(nic?.devices).toEqual([{ bus: "other", address: "", path: [], rdma: [] }]);
  });

  test("a PCI function that is no network controller does not", async () => {
    const tree = deviceTree("usb0", {
      path: ["pci0000:00", "0000:00:14.0"],
      pci: { id: "8086:A36D", class: "C0330" },
    });
    expect(await survey([cable("usb0", 2)], tree)).toEqual([]);
  });

  test("a device that goes while it is looked at is described by what is left", async () => {
    const gone = {
      "/sys/class/net/eth1": { link: "../../devices/pci0000:3a/0000:3b:00.0/net/eth1" },
    };
    const [nic] = await survey([cable("eth1", 2)], gone);
    expect(nic?.devices).toEqual([
      { bus: "pci", address: "0000:3b:00.0", path: ["pci0000:3a", "0000:3b:00.0"], rdma: [] },
    ]);
  });
});

describe("which links are NICs", () => {
  test("not loopback, nor what no device is behind", async () => {
    const links = [
      cable("lo", 1, { flags: 0x49 }),
      cable("eth1", 2),
      cable("br0", 3, { kind: "bridge" }),
      cable("veth0", 4, { kind: "veth" }),
      cable("odd0", 5, { kind: "of-tomorrow" }),
    ];
    expect(Object.keys(named(await survey(links, eth1)))).toEqual(["eth1"]);
  });

  test("virtual links that are asked for by name, or all of them", async () => {
    const links = [
      cable("eth1", 2),
      cable("veth0", 4, { kind: "veth" }),
      cable("br0", 3, { kind: "bridge" }),
    ];
    const some = named(await survey(links, eth1, [], { virtual: ["veth0"] }));
    expect(Object.entries(some).map(([name, { sort, physical }]) => [name, sort, physical])).toEqual([
      ["eth1", "device", true],
      ["veth0", "virtual", false],
    ]);
    const all = await survey(links, eth1, [], { virtual: "all" });
    expect(all.map(({ name }) => name)).toEqual(["br0", "eth1", "veth0"]);
  });

  test("several NICs on one subnet stay several", async () => {
    const nics = await survey([cable("eth1", 2), cable("eth2", 3)], { ...eth1, ...eth2 }, [
      [2, "10.0.0.1/16"],
      [3, "10.0.0.2/16"],
    ]);
    expect(nics.map(({ name, addresses }) => `${name} ${addresses.map(formatCidr)}`)).toEqual([
      "eth1 10.0.0.1/16",
      "eth2 10.0.0.2/16",
    ]);
  });

  test("VLANs and bonds over NICs, and VLANs over those, with the devices of what they are over", async () => {
    const links = [
      cable("eth1", 2, { master: 4 }),
      cable("eth2", 3, { master: 4 }),
      cable("bond0", 4, { kind: "bond" }),
      cable("bond0.7", 5, { kind: "vlan", link: 4 }),
      cable("dummy0", 6, { kind: "dummy" }),
      cable("dummy0.7", 7, { kind: "vlan", link: 6 }),
      cable("bond1", 8, { kind: "bond" }),
      cable("eth9.7", 9, { kind: "vlan", link: 2, linkNetnsid: 0 }),
    ];
    const nics = named(await survey(links, { ...eth1, ...eth2 }));
    expect(Object.keys(nics)).toEqual(["bond0", "bond0.7", "eth1", "eth2"]);
    expect(nics.bond0).toMatchObject({ sort: "bond", physical: true, lower: ["eth1", "eth2"] });
    expect(nics["bond0.7"]).toMatchObject({ sort: "vlan", lower: ["bond0"] });
    expect(nics["bond0.7"]?.devices.map(({ address }) => address)).toEqual(["0000:3b:00.0", "0000:3b:00.1"]);
    expect(nics.eth1).toMatchObject({ upper: "bond0" });
  });

  test("links that are said to be over each other are none", async () => {
    const links = [cable("a", 2, { kind: "vlan", link: 3 }), cable("b", 3, { kind: "vlan", link: 2 })];
    expect(await survey(links, {})).toEqual([]);
  });

  test("a port of a bridge says so, though the bridge is no NIC", async () => {
    const [nic] = await survey([cable("eth1", 2, { master: 3 }), cable("br0", 3, { kind: "bridge" })], eth1);
    expect(nic).toMatchObject({ name: "eth1", upper: "br0" });
  });

  test("a NIC without carrier is asked for no speed", async () => {
    const [nic] = await survey([cable("eth1", 2, { flags: down })], eth1);
    expect(nic).toMatchObject({ up: false, carrier: false });
    expect(nic).not.toHaveProperty("speed");
  });
});

describe("a BlueField-2", () => {
  test("on its host: the physical function with 16 virtual functions to have and 3 made, each of which names it", async () => {
    const pf = "/sys/devices/pci0000:00/0000:02:00.0";
    const tree = bluefieldHost(3, {
      [`${pf}/uevent`]: ueventOf({ id: "15B3:A2D6", driver: "mlx5_core" }),
      ...Object.fromEntries(
        [0, 1, 2].flatMap((index) => [
          [`${vfFolder(index)}/uevent`, ueventOf({ id: "15B3:101E", driver: "mlx5_core" })],
          [`${vfFolder(index)}/physfn`, { link: "../0000:02:00.0" }],
        ]),
      ),
    });
    const vfs = [0, 1, 2].map((index) => cable(`enp2s0f0v${index}`, 3 + index));
    const nics = named(await survey([cable("enp2s0f0np0", 2), ...vfs], tree));
    expect(nics.enp2s0f0np0?.devices).toMatchObject([
      {
        address: "0000:02:00.0",
        vendor: "15b3",
        product: "a2d6",
        virtualFunctions: { total: 16, addresses: [0, 1, 2].map(vfAddress) },
      },
    ]);
    for (const index of [0, 1, 2]) {
      expect(nics[`enp2s0f0v${index}`]?.devices).toMatchObject([
        { address: vfAddress(index), physicalFunction: "0000:02:00.0", driver: "mlx5_core" },
      ]);
    }
  });

  test("on the DPU: p0 is an uplink, and what stands for the host and for virtual functions are representors", async () => {
    const device = { path: ["pci0000:00", "0000:00:00.0", "0000:03:00.0"], pci: { id: "15B3:A2D6" } };
    const ports = { p0: "p0", pf0hpf: "pf0", pf0vf1: "pf0vf1", pf0vf2: "pf0vf2", en3f0pf0sf88: "pf0sf88" };
    const links = Object.entries(ports).map(([name, portName], at) =>
      cable(name, 2 + at, { portName, switchId: "b8cef6fffe0981aa" }),
    );
    const devices = Object.keys(ports).map((name) => deviceTree(name, device, 25000));
    const nics = await survey(links, Object.assign({}, ...devices));
    expect(nics.map(({ name, representor, switchPort: at }) => [name, representor, at?.name])).toEqual([
      ["en3f0pf0sf88", true, "pf0sf88"],
      ["p0", false, "p0"],
      ["pf0hpf", true, "pf0"],
      ["pf0vf1", true, "pf0vf1"],
      ["pf0vf2", true, "pf0vf2"],
    ]);
    expect(nics[1]?.switchPort).toEqual({ switchId: "b8cef6fffe0981aa", name: "p0" });
  });
});
