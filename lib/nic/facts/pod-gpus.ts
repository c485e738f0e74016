import { realpathSync } from "node:fs";
import { listFolder, readValue } from "../../linux/sysfs.ts";
import { devicePath } from "../device.ts";
import type { Gpu, Location } from "../policy/distance.ts";
import type { PodDevice } from "./pod-device.ts";

/** Where it is looked up where GPUs are. */
export interface GpuSources {
  /** "/sys" */
  readonly sys: string;
  /** "/proc" */
  readonly proc: string;
}

/** nvidia.com/gpu, nvidia.com/gpu.shared, nvidia.com/mig-1g.5gb, amd.com/gpu, gpu.intel.com/i915, habana.ai/gaudi … */
const gpuResource = /\/(gpu|pgpu|mig-|gaudi)|^gpu\./;

/** The GPUs among a pod's devices, and where they are as far as the node tells. */
export function locateGpus(
  { sys, proc }: GpuSources,
  all: readonly PodDevice[],
  located: ReadonlyMap<string, Location>,
): Gpu[] {
  const devices = all.filter(({ resource }) => gpuResource.test(resource));
  const nvidia = devices.some(({ resource }) => resource.startsWith("nvidia.com/"))
    ? nvidiaAddresses(proc)
    : new Map<string, string>();
  return devices.map((device) => gpuOf(device, sys, nvidia, located));
}

function gpuOf(
  { id, numaNode }: PodDevice,
  sys: string,
  nvidia: ReadonlyMap<string, string>,
  located: ReadonlyMap<string, Location>,
): Gpu {
  // A shared GPU's ids end in "::0", "::1"; a slice of the older form is "MIG-GPU-<uuid>/<instance>/<instance>".
  const [whole = id] = id.replace(/^MIG-(?=GPU-)/, "").split(/::|\//);
  const address = nvidia.get(whole) ?? /[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]/i.exec(id)?.[0];
  const known = numaNode === undefined ? {} : { numaNode };
  if (address === undefined) return { id, path: [], ...known };
  const location = located.get(address.toLowerCase()) ?? { path: pathIn(sys, address) };
  return { id, ...known, ...location };
}

function pathIn(sys: string, address: string): readonly string[] {
  try {
    return devicePath(realpathSync(`${sys}/bus/pci/devices/${address.toLowerCase()}`));
  } catch {
    return [];
  }
}

/**
 * PCI addresses by UUID, as NVIDIA's driver shows them: /proc/driver/nvidia/gpus/0000:3b:00.0/information. Without its
 * files a GPU's NUMA node, which kubelet has, must do.
 */
function nvidiaAddresses(proc: string): ReadonlyMap<string, string> {
  const folder = `${proc}/driver/nvidia/gpus`;
  const found = new Map<string, string>();
  for (const address of listFolder(folder)) {
    const text = readValue(`${folder}/${address}/information`) ?? "";
    const [, uuid] = /^GPU UUID:\s*(\S+)/m.exec(text) ?? [];
    if (uuid !== undefined) found.set(uuid, address);
  }
  return found;
}
