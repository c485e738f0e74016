import { showArguments } from "../../doctor/open-vswitch.ts";
import { captureName } from "../../doctor/programs.ts";
import type { Entries } from "./captured.ts";

/** The host of a BlueField-2 as in docs/doctor.md: enp2s0f0np0 can have 16 VFs, and has `created`. */
export function host(created = 3, more: Entries = {}): Entries {
  const pf = "/sys/devices/pci0000:00/0000:02:00.0";
  const vfs = Array.from({ length: created }, (_, index) => vf(index));
  return {
    "/sys/class/net/enp2s0f0np0": { link: `../..${pf.slice(4)}/net/enp2s0f0np0` },
    [`${pf}/net/enp2s0f0np0/device`]: { link: "../../../0000:02:00.0" },
    [`${pf}/net/enp2s0f0np0/flags`]: "0x1003\n",
    [`${pf}/net/enp2s0f0np0/operstate`]: "up\n",
    [`${pf}/net/enp2s0f0np0/mtu`]: "1500\n",
    [`${pf}/sriov_totalvfs`]: "16\n",
    [`${pf}/sriov_numvfs`]: `${created}\n`,
    ...Object.assign({}, ...vfs),
    "/proc/sys/kernel/osrelease": "5.15.0-112-generic\n",
    "/.commands/ip -V": "ip utility, iproute2-5.15.0, libbpf 0.5.0\n",
    "/.commands/ethtool -k enp2s0f0np0":
      "Features for enp2s0f0np0:\nrx-checksumming: on\nhw-tc-offload: on\n",
    ...more,
  };
}

/** VF 0 is 02:00.3, and so on; its link is enp2s0f0v0, as systemd names it. */
export const vfAddress = (index: number) => `0000:02:00.${index + 3}`;
export const vfFolder = (index: number) => `/sys/devices/pci0000:00/${vfAddress(index)}`;

function vf(index: number): Entries {
  const [address, folder, link] = [vfAddress(index), vfFolder(index), `enp2s0f0v${index}`];
  return {
    [`/sys/devices/pci0000:00/0000:02:00.0/virtfn${index}`]: { link: `../${address}` },
    [`/sys/bus/pci/devices/${address}`]: { link: `../../../devices/pci0000:00/${address}` },
    [`${folder}/driver`]: { link: "../../../bus/pci/drivers/mlx5_core" },
    [`${folder}/net/${link}/mtu`]: "1500\n",
    [`/sys/class/net/${link}`]: { link: `../../devices/pci0000:00/${address}/net/${link}` },
  };
}

/** The VF's link is in a pod's namespace: what is left in the host's sysfs is the driver, and an empty folder. */
export function inPod(index: number): Entries {
  return { [`${vfFolder(index)}/net/enp2s0f0v${index}/mtu`]: undefined, [`${vfFolder(index)}/net/`]: "755" };
}

/** The DPU: p0, pf0hpf and two representors, with an address on brp0. */
export function dpu(more: Entries = {}): Entries {
  const ports = { p0: "p0", pf0hpf: "pf0", pf0vf1: "pf0vf1", pf0vf2: "pf0vf2" };
  return {
    ...Object.assign({}, ...Object.entries(ports).map(([name, port]) => switchPort(name, port))),
    "/proc/net/route": `Iface\tDestination\tGateway\nbrp0\t0028A8C0\t00000000\n`,
    "/.commands/ip -V": "ip utility, iproute2-ss200127\n",
    "/.commands/ovs-vsctl --version": "ovs-vsctl (Open vSwitch) 2.17.9\nDB Schema 8.3.0\n",
    ...ovs(settings, bridges),
    ...more,
  };
}

export function switchPort(
  name: string,
  port: string,
  flags = "0x1003",
  switchId = "b8cef6fffe0981aa",
): Entries {
  const folder = `/sys/class/net/${name}`;
  return {
    [`${folder}/phys_switch_id`]: `${switchId}\n`,
    [`${folder}/phys_port_name`]: `${port}\n`,
    [`${folder}/flags`]: `${flags}\n`,
  };
}

export const settings = {
  other_config: { "hw-offload": "true" },
  external_ids: {
    "host-k8s-nodename": "dpu-host",
    "ovn-gw-interface": "p0",
    "ovn-gw-nexthop": "192.168.40.254",
    "ovn-encap-ip": "192.168.41.127",
    "ovn-encap-type": "geneve",
  },
};
export const bridges: Readonly<Record<string, readonly string[]>> = {
  brp0: ["brp0", "p0", "pf0hpf"],
  "br-int": ["br-int", "pf0vf1", "pf0vf2"],
};

/** What ovs-vsctl prints of such settings and bridges (as of 3.1; open-vswitch.live.test.ts asks the real one). */
export function ovs(
  set: Readonly<Record<string, Readonly<Record<string, string>>>>,
  has: typeof bridges,
): Entries {
  const uuid = (port: string) => ["uuid", port];
  const map = (values: object | undefined) => ["map", Object.entries(values ?? {})];
  const tables = [
    { headings: ["other_config", "external_ids"], data: [[map(set.other_config), map(set.external_ids)]] },
    {
      headings: ["name", "ports"],
      data: Object.entries(has).map(([name, ports]) => [name, ["set", ports.map(uuid)]]),
    },
    {
      headings: ["_uuid", "name"],
      data: Object.values(has)
        .flat()
        .map((port) => [uuid(port), port]),
    },
  ];
  const printed = tables.map((table) => `${JSON.stringify(table)}\n`).join("");
  return { [`/.commands/${captureName("ovs-vsctl", showArguments({}))}`]: printed };
}
