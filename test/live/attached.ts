import { expect } from "vitest";
import type { JsonObject } from "../../lib/cni/json.ts";
import type { Result } from "../../lib/cni/result.ts";
import { kernelState } from "./kernel-state.ts";
import { makeNamespace, type Namespace } from "./namespaces.ts";
import { emptyStore, type Node, storeOf } from "./node.ts";
import { type Attachment, add, succeed, withPrevResult } from "./plugin.ts";

/** Attaches a pod of its own, runs the body, and holds that CHECK agrees and that DEL leaves nothing. */
export async function attached(
  node: Node,
  network: JsonObject,
  body: (pod: Namespace, result: Result) => void,
  more: Partial<Attachment> = {},
): Promise<void> {
  using pod = makeNamespace("pod");
  const before = kernelState(pod);
  const at = { netns: pod.path, ...more };
  const result = await add(node, network, at);
  body(pod, result);
  await succeed(node, "CHECK", withPrevResult(network, result), at);
  await succeed(node, "DEL", network, at);
  expect(kernelState(pod)).toEqual(before);
  expect(storeOf(node)).toEqual(emptyStore);
}
