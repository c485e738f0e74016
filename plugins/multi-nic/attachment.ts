import type { Invocation } from "../../lib/cni/invocation.ts";
import { isAbandoned, netnsIdOf } from "../../lib/ipam/reclaim.ts";
import type { AttachmentKey, AttachmentRecord } from "../../lib/ipam/record.ts";
import type { Store } from "../../lib/ipam/store.ts";
import { type Netns, openNetns } from "../../lib/linux/netns.ts";
import { detach } from "./detach.ts";
import { undoDelegates } from "./ipam/delegates.ts";
import { groupOf } from "./plan.ts";
import { decodePlan } from "./plan-json.ts";

/** `owner` of our records in the store, which other executables leave alone. */
export const owner = "multi-nic";

export const keyOf = ({ network, containerId, ifname }: Invocation): AttachmentKey => ({
  network,
  containerId,
  ifname,
});

/**
 * Undoes what an attachment made outside the store: links and rules, and the calls of other IPAM plugins.
 * @throws what could not be undone; then the record has to stay, so that its addresses are not given to others
 */
export async function dismantle(
  record: AttachmentRecord,
  invocation: Invocation,
  pod: Netns | undefined,
): Promise<void> {
  const plan = record.plan === "" ? undefined : decodePlan(record.plan);
  if (pod !== undefined) await detach(pod, groupOf(record), { rules: plan?.rules.length !== 0 });
  // GC and ADD withdraw attachments of other pods than the one they were called for.
  const env = { ...invocation.env, CNI_CONTAINERID: record.containerId, CNI_NETNS: pod?.path ?? "" };
  await undoDelegates(plan?.delegates ?? [], { ...invocation, env });
}

/** Undoes a recorded attachment, and at last its record: where a step fails, the next DEL, GC or ADD tries again. */
export async function withdraw(
  store: Store,
  record: AttachmentRecord,
  invocation: Invocation,
  pod: Netns | undefined,
): Promise<void> {
  await dismantle(record, invocation, pod);
  store.write((tx) => tx.release(record.id, Date.now()));
}

/** The namespace of a record, if it is still the one that the attachment was made in. The caller disposes of it. */
export function openRecorded(record: AttachmentRecord): Netns | undefined {
  try {
    if (netnsIdOf(record.netns) !== record.netnsId) return undefined;
    return openNetns(record.netns);
  } catch {
    return undefined;
  }
}

/**
 * Withdraws the attachments of a network that nothing can come of any more. Errors are logged: this is done on the way
 * to something else.
 * @returns how many came free
 */
export async function withdrawAbandoned(store: Store, invocation: Invocation): Promise<number> {
  const records = store.read((tx) => tx.attachments(invocation.network));
  let freed = 0;
  for (const record of records.filter((each) => each.owner === owner && isAbandoned(each))) {
    freed += Number(await withdrawLogged(store, record, invocation));
  }
  return freed;
}

async function withdrawLogged(
  store: Store,
  record: AttachmentRecord,
  invocation: Invocation,
): Promise<boolean> {
  using pod = openRecorded(record);
  try {
    await withdraw(store, record, invocation, pod);
    invocation.log.info("withdrew an abandoned attachment", {
      containerId: record.containerId,
      ifname: record.ifname,
    });
    return true;
  } catch (error) {
    invocation.log.error("an abandoned attachment could not be withdrawn", {
      containerId: record.containerId,
      ifname: record.ifname,
      error: String(error),
    });
    return false;
  }
}
