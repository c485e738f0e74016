import { CniError, ErrorCode } from "../../lib/cni/error.ts";
import type { Invocation } from "../../lib/cni/invocation.ts";
import type { Result } from "../../lib/cni/result.ts";
import { requireSameNodeFile } from "../../lib/ipam/node-file.ts";
import { isNetnsGone, isShortage, ownProcess, reclaim } from "../../lib/ipam/reclaim.ts";
import type { Lease, LeaseRequest, NewAttachment } from "../../lib/ipam/record.ts";
import { leaseRequests, requestedAddresses } from "../../lib/ipam/requested.ts";
import type { Store, StoreTx } from "../../lib/ipam/store.ts";
import { openStore } from "../../lib/ipam/store.ts";
import { namespaceId } from "../../lib/linux/namespace-id.ts";
import { statePaths } from "../../lib/linux/paths.ts";
import { encodeGiven, keyOf, owner } from "./attachment.ts";
import { readConf } from "./conf.ts";
import { toResult } from "./to-result.ts";

/**
 * Leases an address for each NIC and family. A second ADD of an attachment is an error, and does not give the
 * same addresses again: its main plugin will find the interface there, and free by its DEL what the first holds.
 */
export async function add(invocation: Invocation): Promise<Result> {
  const paths = statePaths(invocation.env);
  const conf = readConf(invocation, paths);
  const requests = leaseRequests(conf.blocks, requestedAddresses(invocation));
  const attachment = newAttachment(invocation);
  using store = openStore(paths);
  const leases = leaseOrReclaim(store, invocation, (tx) => {
    requireSameNodeFile(paths, invocation.network, conf.nodeFile);
    return lease(tx, attachment, requests, conf.settings.coolDown);
  });
  return toResult(conf, leases);
}

function newAttachment(invocation: Invocation): NewAttachment {
  return {
    ...keyOf(invocation),
    ...ownProcess(),
    owner,
    netns: invocation.netns,
    netnsId: podNetnsId(invocation.netns),
    // Nothing is left to do for us once the addresses are leased.
    state: "ready",
    plan: "",
    created: Date.now(),
  };
}

function podNetnsId(netns: string): string {
  const id = namespaceId(netns);
  if (id !== undefined) return id;
  throw new CniError(
    ErrorCode.unknownContainer,
    `CNI_NETNS: "${netns}" does not exist: the pod's sandbox is gone; the runtime has to make a new one`,
  );
}

/**
 * Where the pool is exhausted, or an address that was asked for is taken, what pods left behind that are gone comes free,
 * and is handed out. It need not rest first: no other is free, or somebody wants this one and no other.
 */
function leaseOrReclaim(store: Store, { network, log }: Invocation, take: (tx: StoreTx) => Lease[]): Lease[] {
  const attempt = () => store.write(take);
  try {
    return attempt();
  } catch (error) {
    if (!isShortage(error)) throw error;
    const freed = store.write((tx) => reclaim(tx, network, owner, Date.now()));
    log.info("reclaimed the addresses of pods that are gone", { attachments: freed.length });
    if (freed.length === 0) throw error;
    return attempt();
  }
}

function lease(
  tx: StoreTx,
  attachment: NewAttachment,
  requests: readonly LeaseRequest[],
  coolDown: number,
): Lease[] {
  const now = Date.now();
  const before = tx.find(attachment);
  if (before?.owner === owner && isNetnsGone(before)) tx.release(before.id, now);
  const id = tx.insert(attachment);
  const leases = tx.allocate(id, requests, now, coolDown);
  tx.setPlan(id, encodeGiven(leases));
  return leases;
}
