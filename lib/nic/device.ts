import { basename, join } from "node:path";
import { linkTarget, listFolder, readValue } from "../linux/sysfs.ts";
import type { NicDevice } from "./host-nic.ts";

const pciAddress = /^[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/i;

/** The devices behind links, by their folders: representors of one NIC share its device, which is then read once. */
export class Devices {
  readonly #sys: string;
  readonly #known = new Map<string, NicDevice>();

  /** `sys` is "/sys", or a captured tree's. */
  constructor(sys: string) {
    this.#sys = sys;
  }

  /** The device behind a link; undefined where the link is virtual, or not in this sysfs. */
  of(ifname: string): NicDevice | undefined {
    const folder = folderOf(this.#sys, ifname);
    if (folder === undefined) return undefined;
    const known = this.#known.get(folder);
    if (known !== undefined) return known;
    const device = read(this.#sys, folder);
    this.#known.set(folder, device);
    return device;
  }

  /** Mbit/s, as the driver says; undefined where it says none. */
  speedOf(ifname: string): number | undefined {
    // EINVAL without carrier; -1 (virtio) and 2^32-1 stand for unknown.
    const speed = Number(readValue(`${this.#sys}/class/net/${ifname}/speed`) ?? Number.NaN);
    return Number.isInteger(speed) && speed > 0 && speed < 0xffffffff ? speed : undefined;
  }
}

/** "pci0000:00/0000:02:00.0" of a link to ../../devices/pci0000:00/0000:02:00.0/net/eth1. */
export function folderOf(sys: string, ifname: string): string | undefined {
  const target = linkTarget(`${sys}/class/net/${ifname}`);
  const [, folder] = /(?:^|\/)devices\/(.+)\/net\/[^/]+$/.exec(target ?? "") ?? [];
  return folder === undefined || folder.startsWith("virtual") ? undefined : folder;
}

/** From the host bridge to the last PCI function of a folder in sysfs; [] where there is none. */
export function devicePath(folder: string): string[] {
  const parts = folder.replace(/^.*\/devices\//, "").split("/");
  return parts.slice(0, parts.findLastIndex((part) => pciAddress.test(part)) + 1);
}

function read(sys: string, folder: string): NicDevice {
  const path = devicePath(folder);
  const own = uevent(`${sys}/devices/${folder}`);
  const address = path.at(-1);
  if (address === undefined) return { bus: "other", address: "", path: [], rdma: [], ...driverOf(own) };
  const last = basename(folder);
  const inner = `${sys}/devices/${path.join("/")}`;
  return {
    bus: last === address ? "pci" : /^virtio\d+$/.test(last) ? "virtio" : "other",
    address,
    path,
    ...driverOf(own),
    ...readFunction(inner, last === address ? own : uevent(inner)),
  };
}

/** What a PCI function's folder says, besides its uevent. */
function readFunction(
  folder: string,
  says: ReadonlyMap<string, string>,
): Omit<NicDevice, "bus" | "address" | "path" | "driver"> {
  const entries = new Set(listFolder(folder));
  const [vendor, product] = (says.get("PCI_ID") ?? "").toLowerCase().split(":");
  const pciClass = says.get("PCI_CLASS");
  const numaNode = number(`${folder}/numa_node`);
  const parent = entries.has("physfn") ? linkTarget(`${folder}/physfn`) : undefined;
  const total = entries.has("sriov_totalvfs") ? (number(`${folder}/sriov_totalvfs`) ?? 0) : 0;
  return {
    rdma: entries.has("infiniband") ? listFolder(`${folder}/infiniband`) : [],
    ...(vendor && product ? { vendor, product } : {}),
    ...(pciClass === undefined ? {} : { pciClass: pciClass.toLowerCase().padStart(6, "0") }),
    ...(numaNode === undefined || numaNode < 0 ? {} : { numaNode }),
    ...(parent === undefined ? {} : { physicalFunction: basename(parent) }),
    ...(total > 0 ? { virtualFunctions: { total, addresses: functionsOf(folder, entries) } } : {}),
  };
}

function functionsOf(folder: string, entries: ReadonlySet<string>): string[] {
  const numbers = [...entries].flatMap((entry) => /^virtfn(\d+)$/.exec(entry)?.[1] ?? []).map(Number);
  return numbers
    .sort((a, b) => a - b)
    .map((index) => basename(linkTarget(join(folder, `virtfn${index}`)) ?? ""));
}

const driverOf = (says: ReadonlyMap<string, string>): { driver?: string } => {
  const driver = says.get("DRIVER");
  return driver === undefined ? {} : { driver };
};

/** KEY=value lines: DRIVER, PCI_CLASS, PCI_ID in one read. */
function uevent(folder: string): ReadonlyMap<string, string> {
  const lines = (readValue(`${folder}/uevent`) ?? "").split("\n");
  return new Map(lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
}

function number(path: string): number | undefined {
  const text = readValue(path);
  return text !== undefined && /^-?\d{1,15}$/.test(text) ? Number(text) : undefined;
}
