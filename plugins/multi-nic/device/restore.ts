import { CniError, ErrorCode } from "../../../lib/cni/error.ts";
import type { Netns } from "../../../lib/linux/netns.ts";
import type { Cidr } from "../../../lib/net/address.ts";
import type { Request } from "../../../lib/netlink/codec.ts";
import { NetlinkError } from "../../../lib/netlink/error.ts";
import { newAddress } from "../../../lib/netlink/message/address.ts";
import { addAltNames, deleteAltNames } from "../../../lib/netlink/message/alt-names.ts";
import { type Link, type LinkChange, setLink } from "../../../lib/netlink/message/link.ts";
import { setVf, type VfSettings } from "../../../lib/netlink/message/vf.ts";
import type { LentLink } from "../plan.ts";
import { giveAddress } from "./address.ts";
import { shown } from "./device.ts";
import { sys } from "./find.ts";
import type { Way } from "./give-back.ts";
import { namesTaken } from "./move.ts";
import { findVf } from "./vf.ts";

/** Gives a device that is at home all that it had there; one that nobody has touched is left as it is. */
export async function restoreLink(home: Link, link: LentLink, group: number, way: Way): Promise<void> {
  const { host, log } = way;
  const { master, device } = link;
  if (home.group !== group && home.name === master) return;
  const change = (what: string, to: Omit<LinkChange, "index" | "label">): Request =>
    setLink({ index: home.index, label: `give ${master} back ${what}`, ...to });
  const lost = device.altNames.filter((name) => !home.altNames.includes(name));
  // Which another link has by now stays that one's: it is no reason to keep a pod from ending.
  const taken = await namesTaken(lost, host);
  const free = lost.filter((name) => !taken.includes(name));
  if (taken.length > 0)
    log.error("another link has further names of a device that is back", { master, taken });
  const strange = home.altNames.filter((name) => !device.altNames.includes(name));
  const steps = [
    ...(strange.length > 0 ? [deleteAltNames(home.index, strange)] : []),
    ...(home.name === master ? [] : [change("its name", { name: master })]),
    ...(free.length > 0 ? [addAltNames(home.index, free)] : []),
    ...((home.alias ?? "") === device.alias ? [] : [change("its alias", { alias: device.alias })]),
    ...(home.mtu === device.mtu ? [] : [change("its MTU", { mtu: device.mtu })]),
  ];
  for (const step of steps) await take(step, link, host);
  if (device.mac !== undefined) await giveAddress(host.netlink, master, device.mac);
  await take(change("its state", { up: device.up }), link, host);
  for (const cidr of device.addresses ?? []) await putBack(cidr, home.index, link, host);
  // At last, as it tells that there is something left to do.
  await take(change("its group", { group: device.group }), link, host);
}

/** What has it already, since this is the second time, is fine. */
async function putBack(cidr: Cidr, index: number, { master }: LentLink, { netlink }: Netns): Promise<void> {
  try {
    await netlink.request([newAddress({ index, cidr, nodad: true, ifname: master })]);
  } catch (error) {
    if (!(error instanceof NetlinkError) || error.code !== "EEXIST") throw error;
  }
}

async function take(step: Request, { master, device }: LentLink, { netlink }: Netns): Promise<void> {
  try {
    await netlink.request([step]);
  } catch (error) {
    if (!(error instanceof NetlinkError) || error.code !== "EEXIST") throw error;
    throw new CniError(
      ErrorCode.exists,
      `${shown(master, device)} is back and cannot have its name: another link of the host has it; rename that one`,
      { details: error.message, cause: error },
    );
  }
}

/** Gives a physical function back what it kept of the virtual one. Where that is gone, so is what was kept. */
export async function restoreVf({ device }: LentLink, { netlink }: Netns): Promise<void> {
  const is = await findVf(device, { sys, netlink });
  if (is === undefined) return;
  for (const request of setVf(is, differing(device.vf?.was ?? {}, is.now))) await netlink.request([request]);
}

/** What is wanted and is otherwise. */
export function differing(wanted: VfSettings, now: VfSettings): VfSettings {
  const other = Object.entries(wanted).filter(
    ([key, value]) => JSON.stringify(now[key as keyof VfSettings]) !== JSON.stringify(value),
  );
  return Object.fromEntries(other);
}
