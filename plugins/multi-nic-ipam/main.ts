import type { Plugin } from "../../lib/cni/plugin.ts";
import { verbs } from "./verbs.ts";

/** Gives addresses of blocks that belong to this host and NIC alone: to multi-nic, or to any other main plugin. */
export const plugin: Plugin = {
  name: "multi-nic-ipam",
  about: "gives out addresses from blocks that no other host or NIC has, without a server",
  verbs: async () => verbs,
};
