import type { HostNic, NicDevice } from "../host-nic.ts";

/** Where a device is: from the host bridge down, and its NUMA node. Either may be unknown. */
export interface Location {
  /** [] where it is unknown */
  readonly path: readonly string[];
  readonly numaNode?: number;
}

export interface Gpu extends Location {
  /** "GPU-…", or the PCI address: what the device plugin calls it */
  readonly id: string;
}

/** What a pod's GPUs are, and where devices are that sysfs shows in another place than they really have. */
export interface Topology {
  readonly gpus: readonly Gpu[];
  /** By PCI address: in a virtual machine, of what NVIDIA's topology file says. */
  readonly located: ReadonlyMap<string, Location>;
}

// As nvidia-smi topo has them: PIX, PXB, PHB, NODE, SYS.
const words = [
  "behind the same PCIe switch",
  "several PCIe switches away",
  "on the same host bridge",
  "on the same NUMA node",
  "on another NUMA node",
] as const;
const farthest = 4;

/** 0 (one PCIe switch) to 4 (another NUMA node, or unknown). */
export function distance(a: Location, b: Location): number {
  const shared = a.path.findIndex((part, at) => part !== b.path[at]);
  const common = shared === -1 ? a.path.length : shared;
  if (common === 0) return a.numaNode !== undefined && a.numaNode === b.numaNode ? 3 : farthest;
  if (common === 1) return 2;
  // Beyond the bridge both are behind: a port of the switch, and the function. More is another switch.
  return a.path.length + b.path.length - 2 * common <= 4 ? 0 : 1;
}

/** Of a NIC to each of the GPUs; that of the nearest device of a bond. */
export function distancesTo(nic: HostNic, { gpus, located }: Topology): number[] {
  const places = nic.devices.map((device) => locationOf(device, located));
  return gpus.map((gpu) => Math.min(farthest, ...places.map((place) => distance(place, gpu))));
}

function locationOf(device: NicDevice, located: Topology["located"]): Location {
  return located.get(device.address.toLowerCase()) ?? device;
}

/** "behind the same PCIe switch as GPU-1; on another NUMA node than GPU-2" */
export function describeDistances(distances: readonly number[], { gpus }: Topology): string {
  if (gpus.length === 0) return "the pod has no GPU";
  const nearest = Math.min(...distances);
  const near = gpus.filter((_, at) => distances[at] === nearest).map(({ id }) => id);
  return `${words[nearest] ?? words[farthest]} (${near.length === gpus.length ? "all of the pod's GPUs" : near.join(", ")})`;
}
