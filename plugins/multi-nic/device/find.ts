import { decodeLink, dumpLinks, type Link } from "../../../lib/netlink/message/link.ts";
import type { Netlink } from "../../../lib/netlink/socket.ts";
import { dump, findLink } from "../../../lib/nic/discover.ts";
import { isThere, linksOfDevice, portOf } from "../../../lib/nic/pci.ts";
import type { LentLink } from "../plan.ts";
import { mayBeDevice } from "./device.ts";

export const sys = "/sys";

/**
 * The device in the pod. A pod may have renamed it, or given other links its name and group: a physical one is known by
 * what stands behind it, as far as the kernel tells that, and a virtual one by its ifindex, its group, then its name.
 */
export async function findInPod(netlink: Netlink, link: LentLink, group: number): Promise<Link | undefined> {
  const links = (await dump(netlink, dumpLinks()))
    .map(decodeLink)
    .filter((each) => mayBeDevice(each, link.device));
  const told = links.filter(
    ({ parentDevice }) => link.device.folder !== undefined && parentDevice !== undefined,
  );
  const candidates = told.length > 0 ? told : links;
  return (
    candidates.find(({ index }) => index === link.index) ??
    candidates.find((each) => each.group === group) ??
    candidates.find(({ name }) => name === link.ifname) ??
    told[0]
  );
}

/**
 * The device in the host's namespace: under whatever name, where something stands behind it; else under its own, or in
 * its group.
 */
export async function findAtHome(netlink: Netlink, link: LentLink, group: number): Promise<Link | undefined> {
  const { folder } = link.device;
  if (folder === undefined) {
    const links = (await dump(netlink, dumpLinks()))
      .map(decodeLink)
      .filter((each) => mayBeDevice(each, link.device));
    const { master, masterIndex } = link;
    return (
      links.find((each) => each.group === group) ??
      links.find(({ name, index }) => name === master && index === masterIndex)
    );
  }
  for (const name of linksOfDevice(sys, folder)) {
    if (portOf(sys, name) !== link.device.port) continue;
    const found = await findLink(netlink, name);
    if (found !== undefined && mayBeDevice(found, link.device)) return found;
  }
  return undefined;
}

/** Whether something stands behind the link that is in the machine, so that the link has to be somewhere. */
export const isSomewhere = ({ device: { folder } }: LentLink): boolean =>
  folder !== undefined && isThere(sys, folder);
