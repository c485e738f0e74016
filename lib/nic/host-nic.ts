import type { Operstate } from "../netlink/message/link.ts";
import type { Nic } from "./nic.ts";

/** The device behind a NIC, as sysfs has it. */
export interface NicDevice {
  /** "pci", "virtio", or another bus ("platform", "auxiliary", "usb" …): its last folder's, where it is neither */
  readonly bus: "pci" | "virtio" | "other";
  /** PCI address, "0000:3b:00.1": of a virtio device that of its PCI function; "" on other buses */
  readonly address: string;
  /** From the host bridge down to the function: ["pci0000:3a", "0000:3a:00.0", "0000:3b:00.1"]; [] on other buses */
  readonly path: readonly string[];
  /** Four hex digits each: "15b3", "101d" */
  readonly vendor?: string;
  readonly product?: string;
  /** Six hex digits: "020000" Ethernet, "020700" InfiniBand */
  readonly pciClass?: string;
  readonly driver?: string;
  /** Absent where the machine says of none (numa_node -1). */
  readonly numaNode?: number;
  /** RDMA devices: ["mlx5_0"] */
  readonly rdma: readonly string[];
  /** Of a virtual function: the PCI address of its physical function. */
  readonly physicalFunction?: string;
  /** Of a physical function with SR-IOV: how many there can be, and the PCI addresses of those there are, by number. */
  readonly virtualFunctions?: { readonly total: number; readonly addresses: readonly string[] };
}

/** A NIC with all that discovery knows of it. */
export interface HostNic extends Nic {
  /** "device" has one of its own; "vlan" and "bond" are over NICs that have; "virtual" was asked for by its name. */
  readonly sort: "device" | "vlan" | "bond" | "virtual";
  readonly operstate: Operstate;
  /** Mbit/s; absent where the driver does not say, as without carrier. */
  readonly speed?: number;
  /** Its own device, or those of the NICs that it is over. */
  readonly devices: readonly NicDevice[];
  /** The NICs that a VLAN or a bond is over. */
  readonly lower: readonly string[];
  /** The bond, bridge or switch that it is a port of, which then has its traffic. */
  readonly upper?: string;
  /** Its place in an embedded switch (switchdev): "p0" is an uplink, "pf0" and "pf0vf1" stand for functions. */
  readonly switchPort?: { readonly switchId: string; readonly name: string };
  /** It stands for a function of the switch, on the DPU or the host (switchdev), and is no way out of the node. */
  readonly representor: boolean;
}
