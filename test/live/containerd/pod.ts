import { randomUUID } from "node:crypto";
import type { Namespace } from "../namespaces.ts";
import type { Cri } from "./cri.ts";
import type { Enclosure } from "./enclosure.ts";

/** A running sandbox. */
export interface Pod extends Disposable {
  readonly id: string;
  /** The address that kubelet is told; "" on the host's network */
  readonly ip: string;
  readonly state: string;
  /** Its network namespace, which stays to be looked at when the sandbox is gone. */
  readonly netns: Namespace;
}

export interface PodSpec {
  readonly name: string;
  readonly network: "POD" | "NODE";
  /** Of the top level, without a slash */
  readonly cgroup: string;
}

/** Runs a sandbox as kubelet does, which gives no host name to a pod on the host's network. */
export async function runPod(
  cri: Cri,
  enclosure: Enclosure,
  { name, network, cgroup }: PodSpec,
): Promise<Pod> {
  const id = await cri.run({
    metadata: { name, uid: randomUUID(), namespace: "default" },
    ...(network === "POD" && { hostname: name }),
    linux: { cgroupParent: `/${cgroup}`, securityContext: { namespaceOptions: { network } } },
  });
  const { status, info } = await cri.sandbox(id);
  const { pid } = JSON.parse(info.info ?? "{}") as { pid: number };
  const netns = enclosure.netnsOf(pid);
  const { state } = status;
  return { id, ip: status.network.ip, state, netns, [Symbol.dispose]: () => netns[Symbol.dispose]() };
}
