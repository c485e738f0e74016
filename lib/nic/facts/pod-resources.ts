import { connectGrpc, type GrpcConnection, GrpcError, GrpcStatus } from "./grpc.ts";
import type { PodDevice, PodNames } from "./pod-device.ts";
import { decodeDevices, getRequest, listRequest, MalformedAnswer } from "./pod-resources-message.ts";

/** What kubelet says of a pod, or why it says nothing: goes on from a name, "does not answer (UNAVAILABLE: …)". */
export type PodResources =
  | { readonly method: Method; readonly devices: readonly PodDevice[] }
  | { readonly reason: string };

type Method = "Get" | "List";

/** An ADD waits no longer for kubelet, which may be busy or stopped, and itself waits for the ADD. */
const patience = 1000;

/** gRPC's own limit (4 MiB); a node of 1,000 pods has a tenth of it. */
const mostBytes = 4 * 1024 * 1024;

/**
 * Asks kubelet's pod-resources API (v1.PodResourcesLister) for the devices of a pod. Get answers for one pod, and is there since
 * Kubernetes 1.34, before that behind KubeletPodResourcesGet: a kubelet without it says unimplemented, and one with the gate
 * closed unknown, as for a pod that it does not know (pkg/kubelet/apis/podresources/server_v1.go). List is there since 1.20.
 * `ms` is for all of it.
 */
export async function askPodResources(socket: string, pod: PodNames, ms = patience): Promise<PodResources> {
  using kubelet = connectGrpc(socket, { ms, bytes: mostBytes });
  try {
    return await askFor("Get", kubelet, pod).catch((error) => {
      if (!isWithoutGet(error)) throw error;
      return askFor("List", kubelet, pod);
    });
  } catch (error) {
    if (error instanceof GrpcError) return { reason: error.message };
    if (error instanceof MalformedAnswer)
      return { reason: `answers with what is no answer (${error.message})` };
    throw error;
  }
}

function isWithoutGet(error: unknown): boolean {
  const { status } = error as GrpcError;
  return status === GrpcStatus.UNIMPLEMENTED || status === GrpcStatus.UNKNOWN;
}

async function askFor(method: Method, kubelet: GrpcConnection, pod: PodNames): Promise<PodResources> {
  const request = method === "Get" ? getRequest(pod) : listRequest;
  const answer = await kubelet.call(`/v1.PodResourcesLister/${method}`, request);
  const [devices, ...others] = decodeDevices(answer, pod);
  const name = `${pod.namespace}/${pod.name}`;
  if (devices === undefined) return { reason: `does not know pod ${name}` };
  // Which of them is this one only a UID would tell, and there is none in the answer.
  if (others.length > 0) return { reason: `knows several pods ${name}` };
  return { method, devices };
}
