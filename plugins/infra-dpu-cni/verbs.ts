import { CniError, ErrorCode } from "../../lib/cni/error.ts";
import type { Verbs } from "../../lib/cni/plugin.ts";

/** The configuration is read only where it matters: DEL, CHECK and GC have to succeed whatever it holds. */
export const verbs: Verbs = {
  async add(invocation) {
    const { refusalFor } = await import("./conf.ts");
    throw refusalFor(invocation);
  },
  async status({ conf }) {
    const { isStrict } = await import("./conf.ts");
    if (!isStrict(conf)) return;
    throw new CniError(
      ErrorCode.notAvailable,
      "this node has no pod network: infra-dpu-cni refuses every ADD",
      {
        details:
          'set status to "ready" in the network configuration to have the node become Ready all the same',
      },
    );
  },
  async del() {},
  async check() {},
  async gc() {},
};
