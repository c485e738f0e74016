import type { Plugin } from "../../lib/cni/plugin.ts";

/** Brings a DPU node of an infra cluster to Ready, and refuses each pod that wants a network there. */
export const plugin: Plugin = {
  name: "infra-dpu-cni",
  about: "makes a DPU node Ready with no pod network: host-network pods run, every other one is told why not",
  verbs: async () => (await import("./verbs.ts")).verbs,
  toleratesNoConf: true,
};
