import { basename } from "node:path";
import type { Cidr } from "../../../lib/net/address.ts";
import { kindName } from "../../../lib/netlink/kind/kinds.ts";
import type { Link } from "../../../lib/netlink/message/link.ts";
import type { RdmaDevice } from "../../../lib/netlink/message/rdma.ts";
import type { VfAddress, VfSettings } from "../../../lib/netlink/message/vf.ts";
import type { Nic } from "../../../lib/nic/nic.ts";
import { groupOf, type LentLink, type Plan, type PlannedLink } from "../plan.ts";

/** A link of the host that a pod has for as long as it runs, as it was before: so it is put back. */
export interface HostDevice {
  /** Its folder under /sys/devices, the same in every namespace; absent for a virtual link */
  readonly folder?: string;
  readonly pciID?: string;
  /** Which of the device's links it is (sysfs `dev_port`), where there may be several */
  readonly port?: number;
  readonly permanentMac?: string;
  /** Its kind, where it is a virtual link: "veth" */
  readonly linkKind?: string;
  readonly mac?: string;
  readonly mtu: number;
  readonly up: boolean;
  readonly group: number;
  readonly alias: string;
  readonly altNames: readonly string[];
  /** Those that come back with it: with host-device-ipam only, as others are for the host's own tools to set */
  readonly addresses?: readonly Cidr[];
  readonly vf?: HostVf;
  /** Its RDMA devices, where they move along: each namespace of the node has its own */
  readonly rdma?: readonly RdmaDevice[];
}

/** A virtual function, and what its physical one kept of it. */
export interface HostVf extends VfAddress {
  readonly was: VfSettings;
}

/** A NIC that can be lent. */
export interface DeviceNic extends Nic {
  readonly device: HostDevice;
}

/** What is lent to a pod is not made, so it is neither deleted with the attachment's group nor by it. */
export type LentKind = { readonly kind: "host-device" } | { readonly kind: "sriov"; readonly vf: VfSettings };

export const isLent = (link: PlannedLink): link is LentLink => "device" in link;
export const lends = ({ links }: Pick<Plan, "links">): boolean => links.some(isLent);

/** As many devices as an attachment can have; each has a group of its own, below those of all attachments. */
export const mostDevices = 128;

/**
 * IFLA_GROUP of a device while a pod has it. The group outlives every move, the kernel's own too when a namespace ends,
 * so that the device is told from others in whichever namespace it is.
 */
export const lentGroup = (group: number, place: number): number => group / 2 + place;

export const isLentGroup = (key: Parameters<typeof groupOf>[0], group: number): boolean => {
  const first = lentGroup(groupOf(key), 0);
  return group >= first && group < first + mostDevices;
};

/** "eth1" or "eth1 (0000:3b:00.1)" */
export const shown = (name: string, { pciID }: HostDevice): string =>
  pciID === undefined ? name : `${name} (${pciID})`;

/** Whether nothing of a link speaks against its being the device. Older kernels do not tell what stands behind a link. */
export function mayBeDevice(link: Link, device: HostDevice): boolean {
  if (kindName(link.kind) !== device.linkKind) return false;
  // An address "burnt in" is not: igbvf takes that which the physical function gives.
  const [is, was] =
    device.folder === undefined
      ? [link.permanentMac, device.permanentMac]
      : [link.parentDevice, basename(device.folder)];
  return is === undefined || was === undefined || is === was;
}
