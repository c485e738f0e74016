import { readFileSync } from "node:fs";
import { CniError, ErrorCode } from "../../cni/error.ts";
import { type PodDevice, uniqueDevices } from "./pod-device.ts";

/** Below kubelet's folder; --root-dir does not move it (DevicePluginPath of k8s.io/kubelet), but a test does. */
const file = "device-plugins/kubelet_internal_checkpoint";

/**
 * The devices that kubelet gave to a pod, as its device manager keeps them over a restart (pkg/kubelet/cm/devicemanager/
 * checkpoint). They are there before the sandbox is made. [] for a pod that has none.
 * @throws CniError io where there is no such file, or it is not what kubelet writes
 */
export function readPodDevices(kubeletDir: string, podUid: string): PodDevice[] {
  const path = `${kubeletDir}/${file}`;
  const entries = entriesOf(path, readText(path));
  const own = entries.filter(({ PodUID }) => PodUID === podUid);
  return uniqueDevices(own.flatMap((entry) => devicesOf(path, entry)));
}

interface Entry {
  readonly PodUID?: unknown;
  readonly ResourceName?: unknown;
  readonly DeviceIDs?: unknown;
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? "unknown";
    throw new CniError(
      ErrorCode.io,
      `attachPolicy.strategy: topology needs kubelet's "${path}", which cannot be read (${reason}); name kubelet's folder in MULTI_NIC_CNI_KUBELET_DIR, or choose another strategy`,
      { cause },
    );
  }
}

function entriesOf(path: string, text: string): readonly Entry[] {
  let json: { Data?: { PodDeviceEntries?: unknown } | null } | null;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw broken(path, "is not JSON", cause);
  }
  // Go writes null for a list that is empty.
  const entries = json?.Data?.PodDeviceEntries ?? [];
  if (typeof json?.Data !== "object" || !Array.isArray(entries))
    throw broken(path, "has no Data.PodDeviceEntries");
  return entries.filter((entry) => typeof entry === "object" && entry !== null);
}

/** DeviceIDs: a list of ids until Kubernetes 1.19, since then lists by NUMA node, -1 where there is none. */
function devicesOf(path: string, { ResourceName: resource, DeviceIDs }: Entry): PodDevice[] {
  if (typeof resource !== "string") throw broken(path, "has a device of no resource");
  if (DeviceIDs === null || DeviceIDs === undefined) return [];
  if (typeof DeviceIDs !== "object") throw broken(path, `has no list of devices of ${resource}`);
  const lists: [string, unknown][] = Array.isArray(DeviceIDs)
    ? [["-1", DeviceIDs]]
    : Object.entries(DeviceIDs);
  return lists.flatMap(([node, ids]) => {
    if (!Array.isArray(ids ?? [])) throw broken(path, `has no list of devices of ${resource}`);
    const numaNode = Number(node);
    return ((ids ?? []) as unknown[]).map((id) => ({
      resource,
      id: String(id),
      ...(Number.isInteger(numaNode) && numaNode >= 0 ? { numaNode } : {}),
    }));
  });
}

const broken = (path: string, what: string, cause?: unknown): CniError =>
  new CniError(
    ErrorCode.io,
    `kubelet's "${path}" ${what}; see that it is of this node's kubelet, or choose another attachPolicy.strategy than topology`,
    { cause },
  );
