import type { Plugin } from "../lib/cni/plugin.ts";
import { plugin as infraDpuCni } from "./infra-dpu-cni/main.ts";
import { plugin as multiNic } from "./multi-nic/main.ts";
import { plugin as multiNicIpam } from "./multi-nic-ipam/main.ts";

/** The plugins by their names. What they do is loaded only where it is asked for. */
export const plugins: ReadonlyMap<string, Plugin> = new Map(
  [infraDpuCni, multiNic, multiNicIpam].map((plugin) => [plugin.name, plugin]),
);
