import { delegateGc, timeOf } from "../../lib/cni/delegate.ts";
import type { Invocation } from "../../lib/cni/invocation.ts";
import type { JsonObject } from "../../lib/cni/json.ts";
import { NetConf, parseConf, type ValidAttachment } from "../../lib/cni/netconf.ts";
import type { AttachmentRecord } from "../../lib/ipam/record.ts";
import { openStore } from "../../lib/ipam/store.ts";
import { statePaths } from "../../lib/linux/paths.ts";
import { isAbandoned, withdrawLocked } from "./abandoned.ts";
import { owner } from "./attachment.ts";
import { parseMultiNicConf } from "./conf.ts";
import { delegatesOf, possibleIfnames } from "./ipam/delegates.ts";
import { readablePlanOf } from "./plan-json.ts";

/**
 * Withdraws every attachment of the network that the runtime does not list or that is abandoned, and goes on past
 * errors. Without the list it does nothing: an absent key is no empty list.
 * @throws AggregateError of all that failed
 */
export async function gc(invocation: Invocation): Promise<void> {
  const valid = parseConf(NetConf(), invocation.conf)["cni.dev/valid-attachments"];
  if (valid === undefined) return;
  const errors = await withdrawAllBut(new Set(valid.map(nameOfValid)), invocation);
  const { ipam } = parseMultiNicConf(invocation);
  if (ipam.mode === "delegate") {
    const known = validForDelegate(valid, invocation);
    const timeLeft = timeOf("GC");
    for (const { type, conf } of delegatesOf(ipam, invocation)) {
      const listed = { ...conf, "cni.dev/valid-attachments": known, "cni.dev/attachments": known };
      await collect(errors, () => delegateGc(invocation, type, listed, { timeLeft }));
    }
  }
  if (errors.length > 0) throw new AggregateError(errors, `GC: ${errors.map(messageOf).join("; ")}`);
}

async function withdrawAllBut(valid: ReadonlySet<string>, invocation: Invocation): Promise<unknown[]> {
  using store = openStore(statePaths(invocation.env));
  const records = store.read((tx) => tx.attachments(invocation.network));
  const errors: unknown[] = [];
  for (const record of records.filter((each) => each.owner === owner)) {
    const isUnlisted = !isBeingAdded(record) && !valid.has(nameOf(record));
    if (isUnlisted || (await isAbandoned(record, invocation)))
      await collect(errors, () => withdrawLocked(store, record, invocation));
  }
  return errors;
}

/** It cannot be on the list yet, which is of what ADD was answered for; an ADD that fails undoes itself. */
const isBeingAdded = (record: AttachmentRecord): boolean =>
  record.owner === owner && record.state === "adding";

/**
 * The runtime knows an attachment by one name; the IPAM was called by another for each NIC, and must not free those. An
 * attachment without a record (the store was lost), or a readable plan in it, is listed with every name that it can
 * have had.
 */
function validForDelegate(valid: readonly ValidAttachment[], invocation: Invocation): JsonObject[] {
  using store = openStore(statePaths(invocation.env));
  const all = store.read((tx) => tx.attachments(invocation.network));
  const records = new Map(all.map((record) => [nameOf(record), record]));
  const making = all
    .filter(isBeingAdded)
    .map(({ containerId, ifname }) => ({ containerID: containerId, ifname }));
  return [...valid, ...making].flatMap((attachment) => {
    const record = records.get(nameOfValid(attachment));
    const plan = record && readablePlanOf(record);
    const called = plan ? plan.delegates.map(({ ifname }) => ifname) : possibleIfnames(attachment.ifname);
    return called.map((ifname) => ({ containerID: attachment.containerID, ifname }));
  });
}

const nameOfValid = ({ containerID, ifname }: ValidAttachment): string => `${containerID} ${ifname}`;
const nameOf = ({ containerId, ifname }: AttachmentRecord): string => `${containerId} ${ifname}`;
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function collect(errors: unknown[], step: () => Promise<void>): Promise<void> {
  try {
    await step();
  } catch (error) {
    errors.push(error);
  }
}
