import type { Invocation } from "../../lib/cni/invocation.ts";
import { ownProcess } from "../../lib/ipam/reclaim.ts";
import type { AttachmentKey, AttachmentRecord } from "../../lib/ipam/record.ts";
import type { Store } from "../../lib/ipam/store.ts";
import { namespaceId } from "../../lib/linux/namespace-id.ts";
import { type Netns, openNetns } from "../../lib/linux/netns.ts";
import { detach } from "./detach.ts";
import { bringHome } from "./device/bring-home.ts";
import { undoDelegates } from "./ipam/delegates.ts";
import { groupOf } from "./plan.ts";
import { readablePlanOf } from "./plan-json.ts";

/** `owner` of our records in the store, which other executables leave alone. */
export const owner = "multi-nic";

export const keyOf = ({ network, containerId, ifname }: Invocation): AttachmentKey => ({
  network,
  containerId,
  ifname,
});

/**
 * Undoes what an attachment made outside the store: links and rules, devices it was lent, and the calls of other IPAM
 * plugins.
 * @throws what could not be undone; then the record has to stay, so that its addresses are not given to others
 */
export async function dismantle(
  record: AttachmentRecord,
  invocation: Invocation,
  pod: Netns | undefined,
): Promise<void> {
  const plan = readablePlanOf(record);
  // Before it is ready the kernel may have more than the record at hand says.
  const mayHaveRules = record.state !== "ready" || plan?.rules.length !== 0;
  await bringHome(record, plan, pod, invocation);
  if (pod !== undefined) await detach(pod, groupOf(record), { rules: mayHaveRules, links: plan?.links });
  // GC and ADD withdraw attachments of other pods than the one they were called for.
  const env = { ...invocation.env, CNI_CONTAINERID: record.containerId, CNI_NETNS: pod?.path ?? "" };
  await undoDelegates(plan?.delegates ?? [], { ...invocation, env });
}

/**
 * Says in the store that the attachment is being undone: an ADD that is still at work on it finds that out before it
 * succeeds, and takes away what it made since.
 */
export function markDeleting(store: Store, record: AttachmentRecord): void {
  store.write((tx) => tx.markDeleting(record.id, ownProcess()));
}

/** Undoes a recorded attachment, and at last its record: where a step fails, the next DEL, GC or ADD tries again. */
export async function withdraw(
  store: Store,
  record: AttachmentRecord,
  invocation: Invocation,
  pod: Netns | undefined,
): Promise<void> {
  try {
    markDeleting(store, record);
  } catch {
    // A store that cannot be written is no reason to leave links: release, below, says what is wrong with it.
  }
  await dismantle(record, invocation, pod);
  store.write((tx) => tx.release(record.id, Date.now()));
}

/**
 * Undoes what this ADD made of its record, though a DEL may have taken the record away meanwhile. Where yet another ADD
 * has recorded the attachment since, what is in the pod is that one's to keep or to undo.
 */
export async function withdrawOwn(
  store: Store,
  record: AttachmentRecord,
  invocation: Invocation,
  pod: Netns,
): Promise<void> {
  const current = readAgain(store, record);
  if (current === undefined) return dismantle(record, invocation, pod);
  if (current.id === record.id) return withdraw(store, current, invocation, pod);
}

/** The record of that attachment now; as it was, where the store cannot be read. */
function readAgain(store: Store, record: AttachmentRecord): AttachmentRecord | undefined {
  try {
    return store.read((tx) => tx.find(record));
  } catch {
    return record;
  }
}

/** The namespace of a record, if it is still the one that the attachment was made in. The caller disposes of it. */
export function openRecorded(record: AttachmentRecord): Netns | undefined {
  try {
    if (namespaceId(record.netns) !== record.netnsId) return undefined;
    return openNetns(record.netns);
  } catch {
    return undefined;
  }
}
