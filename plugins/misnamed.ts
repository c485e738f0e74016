import { CniError, ErrorCode } from "../lib/cni/error.ts";
import type { Plugin } from "../lib/cni/plugin.ts";

const remedy =
  "call it as infra-dpu-cni, multi-nic or multi-nic-ipam (by a link, or by its first argument); multi-nicd, multi-nic-doctor and multi-nic-concheck are commands for who runs a node";

async function refuse(): Promise<never> {
  throw new CniError(
    ErrorCode.invalidConfig,
    "this executable was called by a name that is no plugin of it",
    {
      details: remedy,
    },
  );
}

/** What answers where the executable was renamed to something it does not know. */
export const plugin: Plugin = {
  name: "multi-nic-cni",
  about: `three CNI plugins in one file; ${remedy}`,
  verbs: async () => ({ add: refuse, del: refuse, check: refuse, status: refuse, gc: refuse }),
};
