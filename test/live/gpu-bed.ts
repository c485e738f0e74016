import { mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname } from "node:path";
import { expect, onTestFinished } from "vitest";
import type { JsonObject } from "../../lib/cni/json.ts";
import { socketIn } from "../kubelet/kubelet.ts";
import { conf, firstAddress } from "./conf.ts";
import { type Daemon, startDaemon } from "./daemon.ts";
import { fakeSysfs, withSysfs } from "./fake-sysfs.ts";
import { makeNamespace, type Namespace } from "./namespaces.ts";
import { makeNode, type Node } from "./node.ts";
import { type Attachment, add, succeed } from "./plugin.ts";

/** PCI addresses of GPUs, each behind one switch with that NIC. */
export const nearEth1 = "0000:3e:00.0";
export const nearEth2 = "0000:3f:00.0";

export const podNames = "IgnoreUnknown=1;K8S_POD_NAMESPACE=team-a;K8S_POD_NAME=train";

/** A node with two NICs and two GPUs, by a tree that stands for /sys, and a pod: for the policy topology. */
export interface GpuBed extends Disposable {
  readonly pod: Namespace;
  /** The node, with kubelet's folder. With multi-nicd that serves calls, and has to have served some at the end. */
  nodeWith(kubeletDir: string, through?: "standalone" | "multi-nicd"): Node;
  at(args?: string): Attachment;
  /** The NIC that the pod gets, and gives back. */
  chosen(on: Node, more?: JsonObject, args?: string): Promise<string>;
  /** What the log has of where the pod's GPUs were known by. */
  logged(): string[];
}

export const network = (more: JsonObject = {}): JsonObject =>
  conf({
    masters: ["eth1", "eth2"],
    attachPolicy: { strategy: "topology" },
    args: { cni: { nics: 1 } },
    ...more,
  });

export function makeGpuBed(): GpuBed {
  const node = makeNode(2);
  const pod = makeNamespace("pod");
  let daemon: Daemon | undefined;
  const at = (args = `${podNames};K8S_POD_UID=uid-1`) => ({ netns: pod.path, args });
  return {
    pod,
    at,
    nodeWith: (kubeletDir, through) => {
      const before = withSysfs(sysfs());
      if (through === "multi-nicd")
        daemon = startDaemon(node.host.name, node.stateDir, [], undefined, before);
      return { ...node, env: { ...node.env, MULTI_NIC_CNI_KUBELET_DIR: kubeletDir }, before };
    },
    chosen: async (on, more, args) => {
      const { ips } = await add(on, network(more), at(args));
      await succeed(on, "DEL", network(more), at(args));
      // The address is of the NIC's block.
      const [address = ""] = ips.map((ip) => ip.address);
      return { [firstAddress(4, 0)]: "eth1", [firstAddress(4, 1)]: "eth2" }[address] ?? address;
    },
    logged: () =>
      readFileSync(node.logFile, "utf8")
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line))
        .filter(({ message }) => /^the pod's GPUs/.test(message))
        .map(({ message, reason }) => `${message}: ${reason}`),
    [Symbol.dispose]: () => {
      const served = daemon?.status().served;
      daemon?.[Symbol.dispose]();
      pod[Symbol.dispose]();
      node[Symbol.dispose]();
      if (daemon !== undefined) expect(served).toBeGreaterThan(0);
    },
  };
}

const sysfs = (): string =>
  fakeSysfs(
    {
      eth1: { id: "8086:1572", path: ["0000:3a:00.0", "0000:3b:00.0"], numaNode: 0 },
      eth2: { id: "15b3:101d", path: ["0000:3a:01.0", "0000:3c:00.0"], numaNode: 1 },
    },
    [
      ["0000:3a:00.0", nearEth1],
      ["0000:3a:01.0", nearEth2],
    ],
  );

/** A kubelet that takes connections until the test ends, and says nothing. */
export function hangIn(kubeletDir: string): void {
  mkdirSync(dirname(socketIn(kubeletDir)));
  const server = createServer().listen(socketIn(kubeletDir));
  onTestFinished(() => void server.close());
}
