import { CniError, ErrorCode } from "../../../lib/cni/error.ts";
import { NetlinkError } from "../../../lib/netlink/error.ts";
import { decodeLink } from "../../../lib/netlink/message/link.ts";
import {
  decodeVfs,
  getVfs,
  type LinkKey,
  type VfAddress,
  type VfSettings,
} from "../../../lib/netlink/message/vf.ts";
import type { Netlink } from "../../../lib/netlink/socket.ts";
import type { HostView } from "../../../lib/nic/discover.ts";
import { type VirtualFunction, virtualFunctionOf } from "../../../lib/nic/pci.ts";
import type { HostDevice } from "./device.ts";

/** A virtual function by its physical one as that is called now, and what it keeps of it. */
export interface VfNow extends VfAddress {
  readonly now: VfSettings;
}

/**
 * What the physical function keeps of a lent virtual one: it may have another name since, and where its driver was loaded
 * anew another ifindex. undefined where the virtual function is gone, and with it what was kept.
 * @throws CniError tryAgainLater where no link of the host's namespace is the physical function's
 */
export async function findVf(device: HostDevice, { sys, netlink }: HostView): Promise<VfNow | undefined> {
  const { vf, folder } = device;
  if (vf === undefined || folder === undefined) return undefined;
  const known = await readVf({ index: vf.pfIndex }, vf.number, netlink);
  // Another link has one of the two at most.
  if (known?.pf === vf.pf) return known;
  const is = virtualFunctionOf(sys, folder);
  if (is === undefined) return undefined;
  const found = await vfOf(is, netlink);
  if (found !== undefined) return found;
  throw new CniError(
    ErrorCode.tryAgainLater,
    `virtual function ${is.number} of ${vf.pf}${device.pciID === undefined ? "" : ` (${device.pciID})`} cannot be set up as it was: no link of the host's namespace is its physical function's; bring that back, and try again`,
  );
}

/** In switchdev mode the physical function's device has the links of its representors too. */
export async function vfOf({ pfs, number }: VirtualFunction, netlink: Netlink): Promise<VfNow | undefined> {
  for (const name of pfs) {
    const found = await readVf({ name }, number, netlink);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function readVf(link: LinkKey, number: number, netlink: Netlink): Promise<VfNow | undefined> {
  try {
    const [[message] = []] = await netlink.request([getVfs(link)]);
    const now = message && decodeVfs(message).get(number);
    if (message === undefined || now === undefined) return undefined;
    const { name, index } = decodeLink(message);
    return { pf: name, pfIndex: index, number, now };
  } catch (error) {
    if (error instanceof NetlinkError && error.code === "ENODEV") return undefined;
    throw error;
  }
}
