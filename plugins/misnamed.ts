import { CniError, ErrorCode } from "../lib/cni/error.ts";
import type { Plugin } from "../lib/cni/plugin.ts";

const remedy =
  "call it as infra-dpu-cni, multi-nic or multi-nic-ipam (by a link, or by its first argument); multi-nicd, multi-nic-doctor and multi-nic-concheck are commands for who runs a node";

async function refuse(): Promise<never> {
  const message = "this executable was called by a name that is no plugin of it";
  throw new CniError(ErrorCode.invalidConfig, message, { details: remedy });
}

/** Nothing was ever made by that name: a DEL that fails would keep a pod in Terminating for it. */
const nothing = async (): Promise<void> => undefined;

/**
 * What answers where the executable was renamed to something it does not know, and where a runtime calls one of its
 * commands as a plugin.
 */
export const plugin: Plugin = {
  name: "multi-nic-cni",
  about: `three CNI plugins in one file; ${remedy}`,
  verbs: async () => ({ add: refuse, del: nothing, check: refuse, status: refuse, gc: nothing }),
};
