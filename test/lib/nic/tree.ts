import type { Entries } from "../../doctor/captured.ts";

export interface FakeDevice {
  /** Folders from the host bridge down: ["pci0000:3a", "0000:3a:00.0", "0000:3b:00.0"], a virtio folder at the end */
  readonly path: readonly string[];
  /** Text of uevent of the PCI function */
  readonly pci?: { readonly id: string; readonly class?: string; readonly driver?: string };
  /** Further entries of the PCI function's folder */
  readonly more?: Entries;
}

/** The entries of sysfs for a link with a device behind it. */
export function deviceTree(
  ifname: string,
  { path, pci, more = {} }: FakeDevice,
  speed?: number | string,
): Entries {
  const folder = `/sys/devices/${path.join("/")}`;
  const at = path.findLastIndex((part) => /^\w{4}:\w\w:\w\w\.\w$/.test(part));
  const func = `/sys/devices/${path.slice(0, at + 1).join("/")}`;
  return {
    [`/sys/class/net/${ifname}`]: { link: `../../devices/${path.join("/")}/net/${ifname}` },
    [`${folder}/net/${ifname}/mtu`]: "1500\n",
    ...(speed === undefined ? {} : { [`${folder}/net/${ifname}/speed`]: `${speed}\n` }),
    ...(pci === undefined ? {} : { [`${func}/uevent`]: ueventOf(pci) }),
    ...Object.fromEntries(Object.entries(more).map(([name, entry]) => [`${func}/${name}`, entry])),
  };
}

/** As the kernel writes it (pci_uevent, drivers/pci/pci-driver.c). */
export function ueventOf({ id, class: pciClass = "20000", driver }: NonNullable<FakeDevice["pci"]>): string {
  return `${driver === undefined ? "" : `DRIVER=${driver}\n`}PCI_CLASS=${pciClass}\nPCI_ID=${id}\nPCI_SUBSYS_ID=${id}\n`;
}
