import type { Invocation } from "../../lib/cni/invocation.ts";
import { isNetnsGone } from "../../lib/ipam/reclaim.ts";
import type { AttachmentRecord } from "../../lib/ipam/record.ts";
import type { Store } from "../../lib/ipam/store.ts";
import { openRecorded, owner, withdraw } from "./attachment.ts";
import { isAtWork, lockAttachment } from "./lock.ts";

/**
 * Whether nothing can come of an attachment any more: its namespace is gone, or no call is at work any more that would
 * finish or undo it. That its process is there says nothing: multi-nicd outlives its calls.
 */
export async function isAbandoned(record: AttachmentRecord, invocation: Invocation): Promise<boolean> {
  return isNetnsGone(record) || (record.state !== "ready" && !(await isAtWork(record, invocation)));
}

/**
 * Withdraws the attachments of a network that nothing can come of any more. Errors are logged: this is done on the way
 * to something else.
 * @returns how many came free
 */
export async function withdrawAbandoned(store: Store, invocation: Invocation): Promise<number> {
  const records = store.read((tx) => tx.attachments(invocation.network));
  let freed = 0;
  for (const record of records.filter((each) => each.owner === owner)) {
    if (await isAbandoned(record, invocation))
      freed += Number(await withdrawLogged(store, record, invocation));
  }
  return freed;
}

export async function withdrawLogged(
  store: Store,
  record: AttachmentRecord,
  invocation: Invocation,
): Promise<boolean> {
  const { containerId, ifname } = record;
  try {
    await withdrawLocked(store, record, invocation, 0);
    invocation.log.info("withdrew an abandoned attachment", { containerId, ifname });
    return true;
  } catch (error) {
    const fields = { containerId, ifname, error: String(error) };
    invocation.log.error("an abandoned attachment could not be withdrawn", fields);
    return false;
  }
}

/**
 * Withdraws an attachment of any pod, once `wait` ms at most are over, if it is still the one that the record was of, and
 * its ADD has not finished it meanwhile.
 */
export async function withdrawLocked(
  store: Store,
  record: AttachmentRecord,
  invocation: Invocation,
  wait?: number,
): Promise<void> {
  using _lock = await lockAttachment(invocation, record, wait);
  const current = store.read((tx) => tx.find(record));
  if (current?.id !== record.id || (current.state === "ready" && record.state !== "ready")) return;
  using pod = openRecorded(current);
  await withdraw(store, current, invocation, pod);
}
