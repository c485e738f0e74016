import { present } from "../../../lib/netlink/codec.ts";
import { IFF_LOOPBACK, IFF_LOWER_UP, IFF_UP } from "../../../lib/netlink/constants.ts";
import { kindName } from "../../../lib/netlink/kind/kinds.ts";
import type { Link } from "../../../lib/netlink/message/link.ts";
import { refusal } from "../../../lib/nic/describe.ts";
import { devicePath, folderOf } from "../../../lib/nic/device.ts";
import { type HostView, readAddresses, readDefaultRoutes } from "../../../lib/nic/discover.ts";
import { portOf, virtualFunctionOf } from "../../../lib/nic/pci.ts";
import type { MultiNicConf } from "../conf.ts";
import type { DeviceNic, HostDevice, HostVf } from "./device.ts";
import { vfOf } from "./vf.ts";

/** A link that a key of the configuration names. */
export interface Sought {
  readonly key: string;
  readonly value: string;
  readonly link: Link;
}

/** The link as a device that can be lent, with all that is to be put back. @throws CniError where it cannot be lent */
export async function describeDevice(
  sought: Sought,
  { link: { kind }, ipam }: Pick<MultiNicConf, "link" | "ipam">,
  view: HostView,
): Promise<DeviceNic> {
  const { link } = sought;
  await requireSpare(sought, view);
  const folder = folderOf(view.sys, link.name);
  const addresses =
    ipam.mode === "host" ? ((await readAddresses(view.netlink, link.index)).get(link.index) ?? []) : [];
  const pciID = folder === undefined ? undefined : devicePath(folder).at(-1);
  const device: HostDevice = {
    mtu: link.mtu,
    up: (link.flags & IFF_UP) !== 0,
    group: link.group,
    alias: link.alias ?? "",
    altNames: link.altNames,
    ...present({
      folder,
      pciID,
      port: folder === undefined ? undefined : portOf(view.sys, link.name),
      permanentMac: link.permanentMac,
      linkKind: kindName(link.kind),
      mac: link.mac,
      addresses: addresses.length > 0 ? addresses : undefined,
      vf: kind.kind === "sriov" ? await describeVf(sought, folder, view) : undefined,
    }),
  };
  return {
    name: link.name,
    index: link.index,
    mac: link.mac,
    mtu: link.mtu,
    up: device.up,
    carrier: (link.flags & IFF_LOWER_UP) !== 0,
    addresses,
    physical: folder !== undefined,
    defaultRoute: false,
    device,
  };
}

/** What the host cannot do without, or others use, is not given away. */
async function requireSpare({ key, value, link }: Sought, { netlink }: HostView): Promise<void> {
  if ((link.flags & IFF_LOOPBACK) !== 0) throw refusal(key, value, "is the loopback; name a NIC");
  if (link.master !== undefined) {
    throw refusal(
      key,
      value,
      `is a port of link ${link.master} (a bridge, bond or switch), which would lose it; name another, or run: ip link set ${link.name} nomaster`,
    );
  }
  if ((await readDefaultRoutes(netlink)).has(link.index)) {
    throw refusal(
      key,
      value,
      "has the host's default route, and the host would lose its network; name another",
    );
  }
}

async function describeVf(
  { key, value, link }: Sought,
  folder: string | undefined,
  { sys, netlink }: HostView,
): Promise<HostVf> {
  const vf = folder === undefined ? undefined : virtualFunctionOf(sys, folder);
  if (vf === undefined) {
    throw refusal(
      key,
      value,
      `(${link.name}) is no virtual function; use plugin.type host-device for a whole NIC, or name a virtual function`,
    );
  }
  const is = await vfOf(vf, netlink);
  if (is !== undefined) return { pf: is.pf, pfIndex: is.pfIndex, number: is.number, was: is.now };
  throw refusal(
    key,
    value,
    `is virtual function ${vf.number} of a physical one that no link of the host's namespace sets up (${vf.pfs.join(", ") || "it has none"}); bring that back`,
  );
}
