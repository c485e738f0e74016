import { join } from "node:path";
import { writeTree } from "../doctor/captured.ts";
import { deviceTree } from "../lib/nic/tree.ts";

/** PCI identities and places of NICs, by link name: what veths have not. */
export interface FakeNic {
  readonly id: string;
  /** Folders below the host bridge */
  readonly path: readonly string[];
  /** Mbit/s */
  readonly speed?: number;
  readonly numaNode?: number;
}

/** A folder that stands for /sys until the test ends: with these NICs, and these GPUs below the same host bridge. */
export function fakeSysfs(
  nics: Readonly<Record<string, FakeNic>>,
  gpus: readonly (readonly string[])[] = [],
): string {
  const bridge = "pci0000:3a";
  const trees = Object.entries(nics).map(([name, { id, path, speed, numaNode = -1 }]) =>
    deviceTree(name, { path: [bridge, ...path], pci: { id }, more: { numa_node: `${numaNode}\n` } }, speed),
  );
  const ofGpus = gpus.map((path) => ({
    [`/sys/bus/pci/devices/${path.at(-1)}`]: { link: `../../../devices/${bridge}/${path.join("/")}` },
    [`/sys/devices/${bridge}/${path.join("/")}/vendor`]: "0x1002\n",
  }));
  return join(writeTree(Object.assign({}, ...trees, ...ofGpus)), "sys");
}

/** kubelet's folder, with a GPU of that PCI address given to the pod uid-1. */
export function fakeKubelet(gpu: string): string {
  const entries = [
    { PodUID: "uid-1", ContainerName: "c", ResourceName: "amd.com/gpu", DeviceIDs: { "0": [gpu] } },
  ];
  const text = JSON.stringify({ Data: { PodDeviceEntries: entries, RegisteredDevices: {} }, Checksum: 1 });
  return writeTree({ "/device-plugins/kubelet_internal_checkpoint": text });
}

/** Before a command behind `ip netns exec`, which has a mount namespace of its own: it sees the tree as /sys. */
export const withSysfs = (sys: string): string[] => ["sh", "-c", 'mount --bind "$0" /sys && exec "$@"', sys];
