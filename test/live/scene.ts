import { afterEach, beforeEach } from "vitest";
import type { JsonObject } from "../../lib/cni/json.ts";
import { conf } from "./conf.ts";
import { kernelState, linksOf } from "./kernel-state.ts";
import { makeNamespace, type Namespace } from "./namespaces.ts";
import { makeNode, type Node } from "./node.ts";
import type { Attachment } from "./plugin.ts";

/** A node with two pods, of which nothing is attached yet. */
export interface Scene {
  readonly node: Node;
  readonly pod: Namespace;
  readonly other: Namespace;
  /** The pod as it was. */
  readonly empty: ReturnType<typeof kernelState>;
}

let scene: Scene | undefined;

/** A scene of its own for each test of the file. */
export function useScene(): void {
  beforeEach(() => {
    const pod = makeNamespace("pod");
    scene = { node: makeNode(2), pod, other: makeNamespace("other"), empty: kernelState(pod) };
  });
  afterEach(() => {
    for (const each of scene ? [scene.other, scene.pod, scene.node] : []) each[Symbol.dispose]();
    scene = undefined;
  });
}

export function here(): Scene {
  if (scene === undefined)
    throw new Error("there is a scene inside of tests only: call useScene() in the file");
  return scene;
}

/** What is attached in these tests: two macvlans with rules of their own. */
export const network = (more: JsonObject = {}) =>
  conf({ masters: ["eth1", "eth2"], sourceRouting: true }, more);

export const at = (): Attachment => ({ netns: here().pod.path });
export const atOther = (): Attachment => ({ netns: here().other.path, containerId: "c2" });

export const ifnamesOf = (ns: Namespace): string[] =>
  linksOf(ns)
    .map(({ ifname }) => ifname)
    .filter((name) => name !== "lo");

/** The key that runtimes put into the configuration of GC. */
export const valid = (...known: readonly { containerID: string; ifname: string }[]) => ({
  "cni.dev/valid-attachments": known,
});
