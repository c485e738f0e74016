import type { Plugin } from "../../lib/cni/plugin.ts";
import { verbs } from "./verbs.ts";

export const plugin: Plugin = {
  name: "multi-nic",
  about: "attaches all the NICs of a node, or a chosen few, to a pod in one call",
  verbs: async () => verbs,
};
