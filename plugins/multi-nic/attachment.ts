import { CniError, ErrorCode } from "../../lib/cni/error.ts";
import type { Invocation } from "../../lib/cni/invocation.ts";
import type { Log } from "../../lib/cni/log.ts";
import { isAbandoned, ownProcess } from "../../lib/ipam/reclaim.ts";
import type { AttachmentKey, AttachmentRecord } from "../../lib/ipam/record.ts";
import type { Store } from "../../lib/ipam/store.ts";
import { LockError, lockByte } from "../../lib/linux/lock.ts";
import { namespaceId } from "../../lib/linux/namespace-id.ts";
import { type Netns, openNetns, ownNetns } from "../../lib/linux/netns.ts";
import { statePaths } from "../../lib/linux/paths.ts";
import { detach } from "./detach.ts";
import { lends } from "./device/device.ts";
import { undoDelegates } from "./ipam/delegates.ts";
import { groupOf, type Plan } from "./plan.ts";
import { readablePlanOf } from "./plan-json.ts";

/** `owner` of our records in the store, which other executables leave alone. */
export const owner = "multi-nic";

export const keyOf = ({ network, containerId, ifname }: Invocation): AttachmentKey => ({
  network,
  containerId,
  ifname,
});

/**
 * ms that a call waits for others of the same attachment. An ADD with a slow IPAM takes seconds, one of many on a busy
 * machine more, and an ADD must not fail for waiting its turn: it has half of the four minutes that kubelet gives a
 * sandbox.
 */
const patience = 120_000;

/** The same for DEL, which goes on without the lock then: an ADD that hangs must not keep a pod in Terminating. */
export const patienceOfDel = 20_000;

/**
 * One call at a time for one attachment: what is found in the pod is then this call's to make or to undo. Runtimes see
 * to that, as a rule. Other attachments do not wait.
 * @throws CniError tryAgainLater where another call goes on being at work, io where the file cannot be had
 */
export async function lockAttachment(
  invocation: Invocation,
  key: AttachmentKey,
  wait: number = patience,
): Promise<Disposable> {
  try {
    return await lockInTime(
      (ms) => lockByte(statePaths(invocation.env).locks, groupOf(key), ms),
      wait,
      invocation,
    );
  } catch (error) {
    if (!(error instanceof LockError)) throw error;
    if (!isTaken(error)) {
      const remedy = "see that its folder exists, is writable and has room";
      throw new CniError(ErrorCode.io, `${error.message}; ${remedy}`, { cause: error });
    }
    throw new CniError(
      ErrorCode.tryAgainLater,
      `another call for ${key.ifname} of container ${key.containerId} on network ${key.network} is at work; try again when it has ended`,
      { cause: error },
    );
  }
}

const isTaken = (error: unknown): boolean => error instanceof LockError && error.code === "EAGAIN";

/** After a wait the runtime may have given the call up, and made another that did the opposite. */
async function lockInTime(
  lock: (wait: number) => Promise<Disposable>,
  wait: number,
  { caller }: Invocation,
): Promise<Disposable> {
  if (caller === undefined) return lock(wait);
  try {
    return await lock(0);
  } catch (error) {
    if (wait === 0 || !isTaken(error)) throw error;
  }
  const locked = await caller.aside(() => lock(wait));
  // That the caller is gone may be known to the kernel alone.
  await new Promise((resolve) => setImmediate(resolve));
  if (!caller.hasLeft()) return locked;
  locked[Symbol.dispose]();
  throw new CniError(
    ErrorCode.tryAgainLater,
    "whoever called has left while another call was at work; nothing was done",
  );
}

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
  await giveBackDevices(record, plan, pod, invocation.log);
  if (pod !== undefined) await detach(pod, groupOf(record), { rules: mayHaveRules });
  // GC and ADD withdraw attachments of other pods than the one they were called for.
  const env = { ...invocation.env, CNI_CONTAINERID: record.containerId, CNI_NETNS: pod?.path ?? "" };
  await undoDelegates(plan?.delegates ?? [], { ...invocation, env });
}

async function giveBackDevices(
  record: AttachmentRecord,
  plan: Plan | undefined,
  pod: Netns | undefined,
  log: Log,
): Promise<void> {
  if (plan === undefined) return giveBackUnrecorded(record, pod);
  if (!lends(plan)) return;
  const { giveBack } = await import("./device/give-back.ts");
  using host = ownNetns();
  await giveBack(plan, { host, pod, log });
}

/** Where the record is lost or damaged, devices are known by their group, and their names by their alias. */
export async function giveBackUnrecorded(key: AttachmentKey, pod: Netns | undefined): Promise<void> {
  if (pod === undefined) return;
  const { giveBackByAlias } = await import("./device/give-back-by-alias.ts");
  using host = ownNetns();
  await giveBackByAlias(key, host, pod);
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

/** Withdraws an attachment of any pod, if it is still the one that the record was of once `wait` ms at most are over. */
export async function withdrawLocked(
  store: Store,
  record: AttachmentRecord,
  invocation: Invocation,
  wait?: number,
): Promise<void> {
  using _lock = await lockAttachment(invocation, record, wait);
  const current = store.read((tx) => tx.find(record));
  if (current?.id !== record.id) return;
  using pod = openRecorded(current);
  await withdraw(store, current, invocation, pod);
}
