import { afterAll, beforeAll } from "vitest";
import type { JsonObject } from "../../lib/cni/json.ts";
import { pool } from "../live/conf.ts";
import { makeNamespace, type Namespace } from "../live/namespaces.ts";
import { makeNode, type Node } from "../live/node.ts";
import { type Attachment, add, succeed } from "../live/plugin.ts";

/* multi-nic-ipam by itself, as another main plugin calls it: the node has no NICs, and of the pod it sees the path. */

let scene: { readonly node: Node; readonly pod: Namespace } | undefined;

/** A node and a pod for all tests of the file, each of which has a network of its own. */
export function useIpam(): void {
  beforeAll(() => {
    scene = { node: makeNode(0), pod: makeNamespace("pod") };
  });
  afterAll(() => {
    for (const each of scene ? [scene.pod, scene.node] : []) each[Symbol.dispose]();
    scene = undefined;
  });
}

export function ipamNode(): Node {
  if (scene === undefined) throw new Error("call useIpam() in the file");
  return scene.node;
}

let count = 0;
/** A network of the row's own. */
export const fresh = (...more: readonly JsonObject[]): JsonObject =>
  Object.assign({ cniVersion: "1.1.0", name: `ipam-${++count}`, type: "multi-nic-ipam", ...pool() }, ...more);
/** Of one NIC and host, with addresses that can be counted. */
export const small = (subnet: string, more: JsonObject = {}): JsonObject =>
  fresh({ subnet, ipam: { type: "multi-nic-ipam", coolDown: 0, ...more } });

export const of = (containerId: string, more: Partial<Attachment> = {}): Attachment => ({
  netns: scene?.pod.path ?? "",
  containerId,
  ...more,
});
export const addresses = async (conf: JsonObject, at: Attachment): Promise<string[]> =>
  (await add(ipamNode(), conf, at)).ips.map(({ address }) => address);
export const del = (conf: JsonObject, at: Attachment) => succeed(ipamNode(), "DEL", conf, at);
/** Frees all that a network has given. */
export const freeAll = (conf: JsonObject) =>
  succeed(ipamNode(), "GC", { ...conf, "cni.dev/valid-attachments": [] });
