import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { Server, ServerCredentials, type ServiceDefinition, status } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

/** A pod as the API has it; what is left out is empty. */
export interface ServedPod {
  readonly namespace: string;
  readonly name: string;
  readonly containers?: readonly ServedContainer[];
}

export interface ServedContainer {
  readonly name?: string;
  readonly devices?: readonly {
    readonly resource_name: string;
    readonly device_ids: readonly string[];
    readonly topology?: { readonly nodes: readonly { readonly ID: number }[] };
  }[];
  readonly cpu_ids?: readonly number[];
  readonly memory?: readonly object[];
  readonly dynamic_resources?: readonly object[];
}

/** What a kubelet does with Get: since 1.34; with its feature gate closed; before 1.27; over its 100 calls a second; at its end */
export type GetOf = "served" | "disabled" | "unknown to it" | "too often" | "stops there";

export interface Served {
  readonly pods: readonly ServedPod[];
  readonly get?: GetOf;
}

export interface Kubelet extends Disposable {
  readonly socket: string;
  /** Names of the methods that were called, in their order */
  readonly calls: readonly string[];
}

/** Where kubelet's pod-resources socket is in its folder. */
export const socketIn = (kubeletDir: string): string => join(kubeletDir, "pod-resources/kubelet.sock");

const methods = loadSync(join(import.meta.dirname, "pod-resources.proto"), { keepCase: true })[
  "v1.PodResourcesLister"
] as unknown as ServiceDefinition;

/**
 * A stand-in for kubelet, which Debian has not: a gRPC server of its pod-resources API in that folder, whose refusals are
 * kubelet's own (pkg/kubelet/apis/podresources/server_v1.go).
 */
export async function serveKubelet(kubeletDir: string, { pods, get = "served" }: Served): Promise<Kubelet> {
  const socket = socketIn(kubeletDir);
  mkdirSync(dirname(socket), { recursive: true });
  const calls: string[] = [];
  const { List, Get } = methods;
  const server = new Server({ "grpc.max_send_message_length": -1 });
  const service = { List, ...(get === "unknown to it" ? {} : { Get }) } as ServiceDefinition;
  server.addService(service, {
    List: (_: unknown, reply: Reply) => {
      calls.push("List");
      reply(null, { pod_resources: pods });
    },
    Get: ({ request }: { request: { pod_name: string; pod_namespace: string } }, reply: Reply) => {
      calls.push("Get");
      if (get === "stops there") return server.forceShutdown();
      const { pod_name: name, pod_namespace: namespace } = request;
      const refusals = {
        disabled: { code: status.UNKNOWN, details: "PodResources API Get method disabled" },
        "too often": { code: status.RESOURCE_EXHAUSTED, details: "rejected by rate limit" },
      };
      if (get === "disabled" || get === "too often") return reply(refusals[get]);
      const found = pods.find((pod) => pod.name === name && pod.namespace === namespace);
      if (found !== undefined) return reply(null, { pod_resources: found });
      reply({ code: status.UNKNOWN, details: `pod ${name} in namespace ${namespace} not found` });
    },
  });
  await new Promise<void>((resolve, reject) => {
    const bound = (error: Error | null) => (error ? reject(error) : resolve());
    server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), bound);
  });
  return { socket, calls, [Symbol.dispose]: () => server.forceShutdown() };
}

type Reply = (error: { code: number; details: string } | null, answer?: object) => void;

/** A pod uid-1 named team-a/train, whose one container has that device of NUMA node 0. */
export const podWith = (id: string, resource = "amd.com/gpu"): ServedPod => ({
  namespace: "team-a",
  name: "train",
  containers: [
    {
      name: "c",
      devices: [{ resource_name: resource, device_ids: [id], topology: { nodes: [{ ID: 0 }] } }],
    },
  ],
});
