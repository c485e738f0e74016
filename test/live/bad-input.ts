import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JsonObject } from "../../lib/cni/json.ts";
import { conf, type Family, pool } from "./conf.ts";
import { kernelState } from "./kernel-state.ts";
import { makeNamespace, type Namespace } from "./namespaces.ts";
import { makeNode, type Node, storeOf } from "./node.ts";
import { type Attachment, type Conf, refused } from "./plugin.ts";

/** A pod and its node, which has NICs eth1 and eth2, and one of each sort that cannot serve: down0, dark0, bare0. */
export interface Scene {
  readonly node: Node;
  readonly pod: Namespace;
}

export interface BadInput {
  readonly title: string;
  readonly conf: Conf;
  readonly at?: Partial<Attachment> | ((scene: Scene) => Partial<Attachment>);
  readonly arrange?: (scene: Scene) => void;
  readonly code: number;
  /** What the message has to name: key, value, and what to do. */
  readonly says: RegExp;
}

export const base = (more: JsonObject, ...rest: readonly JsonObject[]) =>
  conf({ masters: ["eth1"] }, more, ...rest);
export const ipam = (more: JsonObject, families: readonly Family[] = [4]) => base(pool(families, more));
export const macvlan = (more: JsonObject) => base({ plugin: { type: "macvlan", ...more } });
export const ipvlan = (more: JsonObject, masters = ["eth1"]) =>
  base({ masters, plugin: { type: "ipvlan", ...more } });

function makeScene(): Scene {
  const node = makeNode(2);
  for (const name of ["down", "dark", "bare"]) {
    node.host.ip(`link add ${name}0 type veth peer name ${name}1`);
  }
  node.host.ip("link set dark0 up");
  node.host.ip("link set bare0 up");
  node.host.ip("link set bare1 up");
  return { node, pod: makeNamespace("pod") };
}

/** Each row is refused by ADD with its code and message, and changes nothing. */
export function describeBadInput(title: string, rows: readonly BadInput[]): void {
  describe(title, () => {
    let scene: Scene;
    beforeAll(() => {
      scene = makeScene();
    });
    afterAll(() => {
      scene.pod[Symbol.dispose]();
      scene.node[Symbol.dispose]();
    });
    const state = ({ node, pod }: Scene) => ({
      pod: kernelState(pod),
      host: kernelState(node.host),
      store: storeOf(node),
    });

    test.each(rows)("$title", async ({ conf, at = {}, arrange, code, says }) => {
      arrange?.(scene);
      const before = state(scene);
      const error = await refused(scene.node, "ADD", conf, {
        netns: scene.pod.path,
        ...(typeof at === "function" ? at(scene) : at),
      });
      expect(error.msg).toMatch(says);
      expect(error.code).toBe(code);
      expect(state(scene)).toEqual(before);
    });
  });
}
