import type { Invocation } from "../../lib/cni/invocation.ts";
import { isNetnsGone, isShortage, ownProcess, reclaim } from "../../lib/ipam/reclaim.ts";
import type { AttachmentRecord, NewAttachment } from "../../lib/ipam/record.ts";
import type { Store, StoreTx } from "../../lib/ipam/store.ts";
import type { Netns } from "../../lib/linux/netns.ts";
import { withdrawAbandoned } from "./abandoned.ts";
import { keyOf, openRecorded, owner, withdraw } from "./attachment.ts";
import type { MultiNicConf } from "./conf.ts";
import type { Addressing } from "./ipam/addressing.ts";
import { type DelegateCall, type Plan, type PlannedLink, planAttachment } from "./plan.ts";
import { encodePlan } from "./plan-json.ts";

/** An attachment that is recorded, with its leases and its plan, and that the kernel does not know yet. */
export interface Claim {
  readonly record: AttachmentRecord;
  readonly plan: Plan;
}

export interface ClaimRequest {
  readonly conf: MultiNicConf;
  readonly links: readonly PlannedLink[];
  readonly delegates: readonly DelegateCall[];
  /** Takes the addresses, for the record of this id, inside the transaction. */
  readonly addressing: (tx: StoreTx, id: number) => Addressing;
  /** Refuses, inside the transaction, what another attachment has, or what is not so any more. */
  readonly guard: (tx: StoreTx) => void;
}

/**
 * A record of the same attachment is in the way, unless nothing can come of it any more: then it is undone first. For who
 * has the attachment's lock: nobody else is at work on what is not ready.
 */
export async function clearWay(store: Store, invocation: Invocation): Promise<void> {
  const record = store.read((tx) => tx.find(keyOf(invocation)));
  if (record === undefined || (record.state === "ready" && !isNetnsGone(record))) return;
  using pod = openRecorded(record);
  await withdraw(store, record, invocation, pod);
}

/**
 * Records the attachment and takes all its leases, in one transaction. Where the pool is exhausted, or an
 * address that was asked for is taken, what was left by pods that are gone comes free first.
 * @throws CniError exists, poolExhausted, addressTaken, or of the plan
 */
export async function claim(
  store: Store,
  invocation: Invocation,
  pod: Netns,
  request: ClaimRequest,
): Promise<Claim> {
  // Before the transaction, which all others wait for: it reads files.
  const attachment = newAttachment(invocation, pod);
  const attempt = () => store.write((tx) => record(tx, attachment, request));
  try {
    return attempt();
  } catch (error) {
    if (!isShortage(error)) throw error;
    const freed = (await withdrawAbandoned(store, invocation)) + reclaimOfIpam(store, invocation);
    if (freed === 0) throw error;
    return attempt();
  }
}

/** Leases of the network that multi-nic-ipam gave to other main plugins. */
const reclaimOfIpam = (store: Store, { network }: Invocation): number =>
  store.write((tx) => reclaim(tx, network, "multi-nic-ipam", Date.now()).length);

function record(tx: StoreTx, attachment: NewAttachment, request: ClaimRequest): Claim {
  const { conf, links, delegates, addressing, guard } = request;
  guard(tx);
  const id = tx.insert(attachment);
  const plan = planAttachment(attachment, conf, links, addressing(tx, id), delegates);
  const text = encodePlan(plan);
  tx.setPlan(id, text);
  return { record: { ...attachment, id, plan: text }, plan };
}

function newAttachment(invocation: Invocation, pod: Netns): NewAttachment {
  return {
    ...keyOf(invocation),
    ...ownProcess(),
    owner,
    netns: pod.path,
    netnsId: pod.id,
    state: "adding",
    plan: "",
    created: Date.now(),
  };
}

/** The plan with the addresses that came from elsewhere, recorded. */
export function replan(
  store: Store,
  { id, network, containerId, ifname }: AttachmentRecord,
  conf: MultiNicConf,
  plan: Plan,
  addressing: Addressing,
): Plan {
  const whole = planAttachment(
    { network, containerId, ifname },
    conf,
    plan.links,
    addressing,
    plan.delegates,
  );
  store.write((tx) => tx.setPlan(id, encodePlan(whole)));
  return whole;
}
