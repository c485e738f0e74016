import { basename } from "node:path";
import type { Scope } from "./check.ts";
import type { Finding } from "./finding.ts";
import { numberOf, readValue, type Tree } from "./tree.ts";

/** A NIC that can have virtual functions. */
export interface PhysicalFunction {
  readonly name: string;
  /** The folder of its PCI device in sysfs, by way of its name */
  readonly device: string;
  /** sriov_totalvfs, sriov_numvfs */
  readonly total: number;
  readonly created: number;
  readonly vfs: readonly VirtualFunction[];
}

export interface VirtualFunction {
  readonly index: number;
  /** The PCI address, such as 0000:02:00.3 */
  readonly address: string;
  /** undefined: none is bound */
  readonly driver: string | undefined;
  /** Its links in this network namespace; none where it is in a pod's, or has a driver that makes none */
  readonly links: readonly VfLink[];
}

export interface VfLink {
  readonly name: string;
  readonly mtu: number | undefined;
  /** Links made upon it: a bridge or Open vSwitch it is a port of, its ipvlans, macvlans, vlans */
  readonly uppers: readonly string[];
}

const net = "/sys/class/net";
/** Drivers that hand a function to a user process. */
export const userDrivers = new Set(["vfio-pci", "uio_pci_generic", "igb_uio"]);

/** The physical functions with virtual functions to make, or the one that the scope names, where it is one. */
export function physicalFunctions(tree: Tree, { pf }: Pick<Scope, "pf">): readonly PhysicalFunction[] {
  const names = pf === undefined ? tree.list(net) : [pf];
  return names.flatMap((name) => physicalFunction(tree, name) ?? []);
}

/** Whether a physical function is meant to serve pods: it has virtual ones, or the scope names it. Most NICs of a board could have some. */
const isMeant = ({ name, created }: PhysicalFunction, { pf }: Pick<Scope, "pf">) =>
  created > 0 || pf === name;

/** Findings of a physical function: notes, where nothing says that it is meant to serve pods. */
export function weighed(
  of: PhysicalFunction,
  scope: Pick<Scope, "pf">,
  findings: readonly Finding[],
): readonly Finding[] {
  if (isMeant(of, scope)) return findings;
  const asNote = (each: Finding): Finding =>
    each.severity === "note"
      ? each
      : { ...each, severity: "note", why: `it has no virtual functions; once it has, ${each.why}` };
  return findings.map(asNote);
}

/** undefined where the name is no link, or its device has no SR-IOV (no sriov_totalvfs, or 0). */
export function physicalFunction(tree: Tree, name: string): PhysicalFunction | undefined {
  if (name === "" || name === "." || name === ".." || name.includes("/")) return undefined;
  const device = `${net}/${name}/device`;
  const total = numberOf(tree, `${device}/sriov_totalvfs`) ?? 0;
  if (total === 0) return undefined;
  const created = numberOf(tree, `${device}/sriov_numvfs`) ?? 0;
  return { name, device, total, created, vfs: virtualFunctions(tree, device) };
}

function virtualFunctions(tree: Tree, device: string): readonly VirtualFunction[] {
  const indexes = tree.list(device).flatMap((entry) => /^virtfn(\d+)$/.exec(entry)?.[1] ?? []);
  return indexes
    .map(Number)
    .sort((a, b) => a - b)
    .map((index) => virtualFunction(tree, index, basename(tree.link(`${device}/virtfn${index}`) ?? "")));
}

function virtualFunction(tree: Tree, index: number, address: string): VirtualFunction {
  const folder = `/sys/bus/pci/devices/${address}`;
  const driver = tree.link(`${folder}/driver`);
  const links = tree.list(`${folder}/net`).map((name) => ({
    name,
    mtu: numberOf(tree, `${net}/${name}/mtu`),
    uppers: tree.list(`${net}/${name}`).flatMap((entry) => /^upper_(.+)$/.exec(entry)?.[1] ?? []),
  }));
  return { index, address, driver: driver === undefined ? undefined : basename(driver), links };
}

/** Who uses a virtual function as far as the host's sysfs shows it; undefined: nobody. */
export function userOf({ driver, links }: VirtualFunction): string | undefined {
  if (driver === undefined) return undefined;
  if (userDrivers.has(driver)) return `a virtual machine or a user process may have it (driver ${driver})`;
  // A net driver always makes a link; sysfs shows those of its own network namespace only.
  if (links.length === 0) return "its link is in another network namespace: a pod's";
  const management = links.find(({ name }) => name.startsWith("ovn-k8s-mp"));
  if (management !== undefined) return `${management.name} is OVN-Kubernetes' management port`;
  const busy = links.find(({ uppers }) => uppers.length > 0);
  return busy === undefined ? undefined : `${busy.name} carries ${busy.uppers.join(", ")}`;
}

/** IFF_UP of a link's flags (if.h), which sysfs has in hex; undefined where there is no such link. */
export function isUp(tree: Tree, name: string): boolean | undefined {
  const flags = readValue(tree, `${net}/${name}/flags`);
  return flags === undefined ? undefined : (Number(flags) & 1) === 1;
}
