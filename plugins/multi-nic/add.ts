import { CniError, ErrorCode } from "../../lib/cni/error.ts";
import type { Invocation } from "../../lib/cni/invocation.ts";
import type { Result } from "../../lib/cni/result.ts";
import { readNodeFile, requireSameNodeFile } from "../../lib/ipam/node-file.ts";
import { openStore, type Store } from "../../lib/ipam/store.ts";
import { type Netns, ownNetns } from "../../lib/linux/netns.ts";
import { statePaths } from "../../lib/linux/paths.ts";
import type { Link } from "../../lib/netlink/message/link.ts";
import { applyPlan } from "./apply.ts";
import { keyOf, withdrawOwn } from "./attachment.ts";
import { chooseNics } from "./choose.ts";
import { type Claim, claim, clearWay, replan } from "./claim.ts";
import { type MultiNicConf, parseMultiNicConf } from "./conf.ts";
import { addressingFor } from "./ipam/choose-addressing.ts";
import { planDelegates, requireInstalled, runDelegates } from "./ipam/delegates.ts";
import { lockAttachment } from "./lock.ts";
import { openPod, requireFree } from "./observe.ts";
import { type Plan, planLinks } from "./plan.ts";
import { encodeMade } from "./plan-json.ts";
import { toResult } from "./to-result.ts";

/** Attaches the pod to the network: everything, or nothing and an error. */
export async function add(invocation: Invocation): Promise<Result> {
  const conf = parseMultiNicConf(invocation);
  requireInstalled(conf.ipam, invocation);
  const paths = statePaths(invocation.env);
  using host = ownNetns();
  using pod = openPod(invocation.netns);
  using _lock = await lockAttachment(invocation, keyOf(invocation));
  using store = openStore(paths);
  await clearWay(store, invocation);
  const nodeFile = readNodeFile(paths, invocation.network);
  const nics = await chooseNics(conf, nodeFile, host, { invocation, store });
  const links = planLinks(conf, nics, invocation.ifname);
  await requireFree(pod.netlink, links);
  const refuseLent = conf.devices && (await import("./device/holder.ts")).refuseLent(links);
  const claimed = await claim(store, invocation, pod, {
    conf,
    links,
    delegates: planDelegates(conf.ipam, invocation, links),
    addressing: addressingFor(conf.ipam, invocation, nics, nodeFile),
    guard: (tx) => {
      requireSameNodeFile(paths, invocation.network, nodeFile);
      refuseLent?.(tx);
    },
  });
  await using undo = new AsyncDisposableStack();
  undo.defer(() => withdrawOwn(store, claimed.record, invocation, pod));
  const plan = await addressByDelegates(store, claimed, conf, invocation);
  const made = await apply(store, claimed, plan, host, pod);
  if (invocation.caller?.hasLeft()) throw abandoned(claimed);
  if (!markReady(store, claimed, encodeMade(plan, made))) throw overtaken(claimed);
  undo.move();
  return toResult(plan, made, pod.path, conf.prevResult);
}

/** Where another project's IPAM gives the addresses, the plan is made again with them. */
async function addressByDelegates(
  store: Store,
  { record, plan }: Claim,
  conf: MultiNicConf,
  invocation: Invocation,
): Promise<Plan> {
  if (conf.ipam.mode !== "delegate") return plan;
  const addressing = await runDelegates(plan.delegates, invocation, plan.links, conf.ipam.each);
  return replan(store, record, conf, plan, addressing);
}

/** What the kernel refuses to an ADD whose links a DEL takes away meanwhile says nothing of its cause. */
async function apply(store: Store, claimed: Claim, plan: Plan, host: Netns, pod: Netns): Promise<Link[]> {
  try {
    return await applyPlan(plan, host, pod);
  } catch (error) {
    const state = store.read((tx) => tx.find(claimed.record))?.state;
    throw state === "adding" ? error : overtaken(claimed, error);
  }
}

/** A runtime that has given a call up would have ended a process of its own. */
const abandoned = ({ record }: Claim): CniError =>
  new CniError(
    ErrorCode.tryAgainLater,
    `whoever called ADD of ${record.ifname} has left, and ADD undid itself; a new sandbox will do`,
  );

/** From now on DEL knows the links by what the kernel calls them. */
const markReady = (store: Store, { record: { id } }: Claim, plan: string): boolean =>
  store.write((tx) => {
    const isOurs = tx.markReady(id);
    if (isOurs) tx.setPlan(id, plan);
    return isOurs;
  });

const overtaken = ({ record }: Claim, cause?: unknown): CniError =>
  new CniError(
    ErrorCode.tryAgainLater,
    `DEL of ${record.ifname} came while ADD was at work, and ADD undid itself; a new sandbox will do`,
    { cause },
  );
