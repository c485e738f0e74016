import { statSync } from "node:fs";
import { CniError, ErrorCode } from "../../cni/error.ts";
import { readPodDevices } from "./checkpoint.ts";
import type { PodDevice, PodNames } from "./pod-device.ts";

/** A pod's devices, and who told of them. */
export interface PodDevices {
  readonly devices: readonly PodDevice[];
  /** "kubelet's pod-resources (Get)", "kubelet's checkpoint" */
  readonly source: string;
  /** Why kubelet itself did not tell, where it did not. */
  readonly reason?: string;
}

/** Below kubelet's own folder (Kubelet.ListenAndServePodResources): never a path of a configuration. */
const socketIn = (kubeletDir: string) => `${kubeletDir}/pod-resources/kubelet.sock`;

/**
 * The devices that kubelet gave to a pod: as it answers itself, which is the API that is meant for it; else by the file that
 * its device manager keeps. Both have them before the sandbox is made: a pod is admitted, and its devices are chosen and
 * written down, before it is started (Kubelet.HandlePodAdditions, ManagerImpl.allocateContainerResources).
 * @throws CniError as readPodDevices, or invalidEnvironment for a pod that is not named; its details say why kubelet did not
 */
export async function findPodDevices(kubeletDir: string, pod: PodNames): Promise<PodDevices> {
  const told = await askKubelet(kubeletDir, pod);
  if (!("reason" in told))
    return { devices: told.devices, source: `kubelet's pod-resources (${told.method})` };
  const reason = `kubelet's pod-resources: ${told.reason}`;
  try {
    if (pod.uid === "") throw unnamed();
    return { devices: readPodDevices(kubeletDir, pod.uid), source: "kubelet's checkpoint", reason };
  } catch (error) {
    if (!(error instanceof CniError)) throw error;
    throw new CniError(error.code, error.message, { details: reason, cause: error });
  }
}

/**
 * That there is somebody to ask for the devices of pods. No question is asked, as runtimes want to know every few seconds.
 * @throws CniError as readPodDevices
 */
export function requirePodDevices(kubeletDir: string): void {
  if (whyNotAsked(socketIn(kubeletDir)) !== undefined) readPodDevices(kubeletDir, "");
}

async function askKubelet(kubeletDir: string, pod: PodNames) {
  if (pod.name === "" || pod.namespace === "")
    return {
      reason: "not asked, as nobody says the pod's namespace and name (K8S_POD_NAMESPACE, K8S_POD_NAME)",
    };
  const socket = socketIn(kubeletDir);
  const why = whyNotAsked(socket);
  if (why !== undefined) return { reason: `"${socket}" ${why}` };
  // HTTP/2 takes tens of milliseconds to load.
  const { askPodResources } = await import("./pod-resources.ts");
  const told = await askPodResources(socket, pod);
  return "reason" in told ? { reason: `"${socket}" ${told.reason}` } : told;
}

function whyNotAsked(socket: string): string | undefined {
  try {
    return statSync(socket).isSocket() ? undefined : "is no socket";
  } catch (error) {
    return `cannot be found (${(error as NodeJS.ErrnoException).code ?? "unknown"})`;
  }
}

const unnamed = (): CniError =>
  new CniError(
    ErrorCode.invalidEnvironment,
    "CNI_ARGS: K8S_POD_UID is missing, by which attachPolicy.strategy topology finds the pod's GPUs; recent containerd and CRI-O give it; update the runtime, or use another strategy",
  );
