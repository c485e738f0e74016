import { realpathSync } from "node:fs";
import type { Store } from "../../../lib/ipam/store.ts";
import { decodeLink, dumpLinks, type Link } from "../../../lib/netlink/message/link.ts";
import { refusal } from "../../../lib/nic/describe.ts";
import { dump, findLink, type HostView } from "../../../lib/nic/discover.ts";
import { driverOfDevice, folderOfPci, linksOfDevice } from "../../../lib/nic/pci.ts";
import type { DeviceName } from "../device-conf.ts";
import type { Sought } from "./describe.ts";
import { holderOf, lentOut } from "./holder.ts";

/** The link that a device is named for. @throws CniError: it is not there, has no link, or is with a pod */
export async function seekDevice(name: DeviceName, view: HostView, store: Store): Promise<Sought> {
  const link = await ways[name.by](name, view, store);
  return { key: name.key, value: name.value, link };
}

const ways: Record<DeviceName["by"], (name: DeviceName, view: HostView, store: Store) => Promise<Link>> = {
  name: async ({ key, value }, { netlink }, store) => {
    const link = await findLink(netlink, value);
    if (link !== undefined) return link;
    const holder = holderOf(store, { name: value });
    throw holder === undefined
      ? refusal(key, value, "is no link of this host; name one that `ip link` shows")
      : lentOut(`${key}: ${holder}`);
  },
  mac: async ({ key, value }, { netlink }, store) => {
    const links = (await dump(netlink, dumpLinks())).map(decodeLink);
    // Links on top of a NIC (VLANs, macvlans in passthru) have its address too.
    const [link] = links.filter(
      ({ mac, kind, link: lower }) => mac === value && (!kind || lower === undefined),
    );
    const other = links.find(({ mac }) => mac === value);
    if (link ?? other) return (link ?? other) as Link;
    const holder = holderOf(store, { mac: value });
    throw holder === undefined
      ? refusal(key, value, "is the address of no link of this host; it may be in a pod's namespace")
      : lentOut(`${key}: ${holder}`);
  },
  path: async (name, view, store) => {
    const folder = folderOfPath(name, view);
    return onlyLink(name, folder, view, store);
  },
  pci: async (name, view, store) => {
    const folder = folderOfPci(view.sys, name.value);
    if (folder !== undefined) return onlyLink(name, folder, view, store);
    throw refusal(
      name.key,
      name.value,
      "is no PCI device of this host any more; see that its NIC is there and has its virtual functions (sriov_numvfs), and make the pod anew",
    );
  },
};

function folderOfPath({ key, value }: DeviceName, { sys }: HostView): string {
  try {
    return realpathSync(value)
      .slice(`${sys}/devices/`.length)
      .replace(/\/net(\/[^/]+)?$/, "");
  } catch {
    throw refusal(key, value, "is not there; write the folder of a device that is");
  }
}

async function onlyLink(
  { key, value }: DeviceName,
  folder: string,
  { sys, netlink }: HostView,
  store: Store,
): Promise<Link> {
  const names = linksOfDevice(sys, folder);
  const [name] = names;
  const link = name === undefined ? undefined : await findLink(netlink, name);
  if (link !== undefined && names.length === 1) return link;
  if (names.length > 1)
    throw refusal(key, value, `has several links (${names.join(", ")}); name one by plugin.device`);
  const holder = holderOf(store, { folder });
  if (holder !== undefined) throw lentOut(`${key}: ${holder}`);
  const driver = driverOfDevice(sys, folder);
  throw refusal(
    key,
    value,
    driver === undefined
      ? "has no driver, and so no link; bind it to its network driver"
      : `has no link in the host's namespace: driver ${driver} makes none (bind it to its network driver), or another namespace has it`,
  );
}
