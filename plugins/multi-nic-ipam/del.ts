import { CniError, ErrorCode } from "../../lib/cni/error.ts";
import type { Invocation } from "../../lib/cni/invocation.ts";
import { isElsewhere } from "../../lib/ipam/reclaim.ts";
import { openStore } from "../../lib/ipam/store.ts";
import { statePaths } from "../../lib/linux/paths.ts";
import { findOwn } from "./attachment.ts";

/**
 * Frees what the attachment holds: by its name alone, whatever has become of namespace and configuration; but not
 * where the call names another namespace than the one it lives in, as a late DEL may. Where the store cannot be used
 * DEL succeeds all the same, since a failing one keeps the pod in Terminating for ever; a lease that stays behind is
 * reclaimed when its namespace is gone, by GC or by an ADD that finds no address.
 */
export async function del(invocation: Invocation): Promise<void> {
  try {
    using store = openStore(statePaths(invocation.env));
    store.write((tx) => {
      const record = findOwn(tx, invocation);
      if (record === undefined || isElsewhere(record, invocation.netns)) return;
      tx.release(record.id, Date.now());
    });
  } catch (error) {
    if (!(error instanceof CniError) || error.code !== ErrorCode.io) throw error;
    invocation.log.error("DEL could not free the addresses", {
      error: error.message,
      details: error.details,
    });
  }
}
