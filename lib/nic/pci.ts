import { existsSync } from "node:fs";
import { basename } from "node:path";
import { linkTarget, listFolder, readValue } from "../linux/sysfs.ts";

/** The folder under /sys/devices of the PCI function, "pci0000:00/0000:00:01.0/0000:01:10.0"; undefined without one. */
export function folderOfPci(sys: string, address: string): string | undefined {
  const [, folder] = /\/devices\/(.+)$/.exec(linkTarget(`${sys}/bus/pci/devices/${address}`) ?? "") ?? [];
  return folder;
}

/** The links of a device that are in the namespace whose sysfs this is; of a virtio function, those of its device. */
export function linksOfDevice(sys: string, folder: string): string[] {
  const device = `${sys}/devices/${folder}`;
  const own = listFolder(`${device}/net`);
  if (own.length > 0) return own;
  const virtio = listFolder(device).filter((entry) => /^virtio\d+$/.test(entry));
  return virtio.flatMap((entry) => listFolder(`${device}/${entry}/net`));
}

/** Those of its RDMA devices that this sysfs's namespace has: ["mlx5_0"]; undefined where it has none at all. */
export function rdmaOfDevice(sys: string, folder: string): string[] | undefined {
  const devices = `${sys}/devices/${folder}/infiniband`;
  // Most have none, and to read a folder that is not there costs ten times as much.
  return existsSync(devices) ? listFolder(devices) : undefined;
}

/** Which of its device's links it is, from 0 on; undefined where the link is not there. */
export function portOf(sys: string, ifname: string): number | undefined {
  const text = readValue(`${sys}/class/net/${ifname}/dev_port`);
  return text === undefined ? undefined : Number(text);
}

/** "igbvf"; undefined where none has the device */
export function driverOfDevice(sys: string, folder: string): string | undefined {
  const target = linkTarget(`${sys}/devices/${folder}/driver`);
  return target && basename(target);
}

/** Whether the device is in the machine. */
export const isThere = (sys: string, folder: string): boolean =>
  listFolder(`${sys}/devices/${folder}`).length > 0;

export interface VirtualFunction {
  /** The physical function's links in this namespace */
  readonly pfs: readonly string[];
  readonly number: number;
}

/** What virtual function the device is; undefined where it is none. */
export function virtualFunctionOf(sys: string, folder: string): VirtualFunction | undefined {
  const device = `${sys}/devices/${folder}`;
  const address = basename(folder);
  const numbers = listFolder(`${device}/physfn/`).flatMap((entry) => /^virtfn(\d+)$/.exec(entry)?.[1] ?? []);
  const number = numbers.find(
    (each) => basename(linkTarget(`${device}/physfn/virtfn${each}`) ?? "") === address,
  );
  return number === undefined
    ? undefined
    : { pfs: listFolder(`${device}/physfn/net`), number: Number(number) };
}
