import { isObject, valueIn } from "../../lib/cni/conf.ts";
import type { Invocation } from "../../lib/cni/invocation.ts";
import { parseResult } from "../../lib/cni/result.ts";
import { isElsewhere } from "../../lib/ipam/reclaim.ts";
import type { AttachmentRecord } from "../../lib/ipam/record.ts";
import { openStore, type Store } from "../../lib/ipam/store.ts";
import { type Netns, openNetns } from "../../lib/linux/netns.ts";
import { statePaths } from "../../lib/linux/paths.ts";
import { dismantle, keyOf, markDeleting, openRecorded } from "./attachment.ts";
import { parseMultiNicConf, saysItLends } from "./conf.ts";
import { detach } from "./detach.ts";
import { bringHomeUnrecorded } from "./device/bring-home.ts";
import type { IpamConf } from "./ipam/conf.ts";
import { planDelegates, possibleIfnames, requireInstalled, undoDelegates } from "./ipam/delegates.ts";
import { lockAttachment, patienceOfDel } from "./lock.ts";
import { groupOf } from "./plan.ts";
import { readablePlanOf } from "./plan-json.ts";

/**
 * Takes the attachment away. It works from the record; without one (a reboot, a lost store, a second DEL) it deletes the
 * links by the group that the key gives, and that there is nothing is fine.
 */
export async function del(invocation: Invocation): Promise<void> {
  using _lock = await lockOrLog(invocation);
  using store = openOrLog(invocation);
  const found = store === undefined ? unreadable : find(store, invocation);
  const record = found === unreadable ? undefined : found;
  if (record !== undefined && isElsewhere(record, invocation.netns)) return detachFormer(invocation);
  using pod = openGiven(invocation) ?? (record === undefined ? undefined : openRecorded(record));
  if (store !== undefined && record !== undefined) {
    orLog(invocation, () => markDeleting(store, record));
    await dismantle(record, invocation, pod);
    if (readablePlanOf(record) === undefined) await undoUnrecorded(invocation);
    orLog(invocation, () => store.write((tx) => tx.release(record.id, Date.now())));
    return;
  }
  // A store that can be read, and knows of nothing, has lent nothing that a pod could have made.
  const virtual = found === unreadable && saysItLends(invocation);
  if (pod !== undefined) await detachUnrecorded(invocation, pod, { virtual });
  await undoUnrecorded(invocation);
}

async function detachUnrecorded(
  invocation: Invocation,
  pod: Netns,
  which: { readonly virtual: boolean },
): Promise<void> {
  const key = keyOf(invocation);
  await bringHomeUnrecorded(key, pod, which);
  await detach(pod, groupOf(key));
}

/** A late DEL of a container id's first use: what is in the namespace it names goes, the second use stays as it is. */
async function detachFormer(invocation: Invocation): Promise<void> {
  invocation.log.info("DEL is of an earlier use of this container id", { netns: invocation.netns });
  using pod = openGiven(invocation);
  if (pod !== undefined) await detachUnrecorded(invocation, pod, { virtual: false });
}

/** A DEL that cannot have the lock is served without: it must not be kept waiting by what hangs. */
async function lockOrLog(invocation: Invocation): Promise<Disposable | undefined> {
  try {
    return await lockAttachment(invocation, keyOf(invocation), patienceOfDel);
  } catch (error) {
    invocation.log.error("DEL goes on without the lock", { error: String(error) });
    return undefined;
  }
}

/** A store that cannot be written keeps the leases until a GC, or an ADD that needs them, finds the pod gone. */
function orLog(invocation: Invocation, step: () => void): void {
  try {
    step();
  } catch (error) {
    logLost(invocation, error);
  }
}

/** A store that is damaged or out of reach cannot give addresses back, but it must not keep the pod from ending. */
function openOrLog(invocation: Invocation): Store | undefined {
  try {
    return openStore(statePaths(invocation.env));
  } catch (error) {
    logLost(invocation, error);
    return undefined;
  }
}

const unreadable = "unreadable";

function find(store: Store, invocation: Invocation): AttachmentRecord | undefined | typeof unreadable {
  try {
    return store.read((tx) => tx.find(keyOf(invocation)));
  } catch (error) {
    logLost(invocation, error);
    return unreadable;
  }
}

const logLost = (invocation: Invocation, error: unknown): void =>
  invocation.log.error("DEL goes on without the store: leases of this attachment stay", {
    error: String(error),
  });

/** The namespace of the call, if there is one: a pod that is gone has none, and then its links are gone too. */
function openGiven({ netns, log }: Invocation): Netns | undefined {
  if (netns === "") return undefined;
  try {
    return openNetns(netns);
  } catch (error) {
    log.info("DEL finds no namespace", { netns, error: String(error) });
    return undefined;
  }
}

/** Leases that another project's IPAM may hold for an attachment we know nothing of: it is asked by what prevResult shows. */
async function undoUnrecorded(invocation: Invocation): Promise<void> {
  const ipam = ipamOf(invocation);
  if (ipam?.mode !== "delegate") return;
  if (!isInstalled(ipam, invocation)) return;
  const links = interfacesOf(invocation).map((ifname) => ({ ifname, master: "" }));
  await undoDelegates(planDelegates(ipam, invocation, links), invocation);
}

/** An ADD that was refused since its IPAM is missing must not be followed by a DEL that fails for ever. */
function isInstalled(ipam: IpamConf, invocation: Invocation): boolean {
  try {
    requireInstalled(ipam, invocation);
    return true;
  } catch (error) {
    invocation.log.error("DEL has no record, and an IPAM that cannot be asked", { error: String(error) });
    return false;
  }
}

function ipamOf(invocation: Invocation) {
  try {
    return parseMultiNicConf(invocation).ipam;
  } catch (error) {
    invocation.log.error("DEL has no record and no valid configuration", { error: String(error) });
    return undefined;
  }
}

/** Whoever writes the configuration may write a prevResult too: each name counts once, and only if ADD can have made it. */
function interfacesOf({ conf, cniVersion, ifname, netns }: Invocation): string[] {
  const prevResult = valueIn(conf, "prevResult");
  if (!isObject(prevResult)) return [`${ifname}-0`];
  const shown = parseResult(prevResult, cniVersion).interfaces.filter(
    ({ sandbox }) => sandbox === netns || netns === "",
  );
  const names = new Set(shown.map(({ name }) => name));
  const ours = possibleIfnames(ifname).filter((name) => names.has(name));
  return ours.length > 0 ? ours : [`${ifname}-0`];
}
