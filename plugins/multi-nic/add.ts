import { CniError, ErrorCode } from "../../lib/cni/error.ts";
import type { Invocation } from "../../lib/cni/invocation.ts";
import type { Result } from "../../lib/cni/result.ts";
import { readNodeFile } from "../../lib/ipam/node-file.ts";
import { openStore, type Store } from "../../lib/ipam/store.ts";
import { ownNetns } from "../../lib/linux/netns.ts";
import { statePaths } from "../../lib/linux/paths.ts";
import { applyPlan } from "./apply.ts";
import { withdraw } from "./attachment.ts";
import { chooseNics } from "./choose.ts";
import { type Claim, claim, clearWay, replan } from "./claim.ts";
import { type MultiNicConf, parseMultiNicConf } from "./conf.ts";
import { addressingFor } from "./ipam/choose-addressing.ts";
import { planDelegates, requireInstalled, runDelegates } from "./ipam/delegates.ts";
import { openPod, requireFree } from "./observe.ts";
import { type Plan, planLinks } from "./plan.ts";
import { toResult } from "./to-result.ts";

/** Attaches the pod to the network: everything, or nothing and an error. */
export async function add(invocation: Invocation): Promise<Result> {
  const conf = parseMultiNicConf(invocation);
  requireInstalled(conf.ipam, invocation);
  const paths = statePaths(invocation.env);
  using host = ownNetns();
  using pod = openPod(invocation.netns);
  using store = openStore(paths);
  await clearWay(store, invocation);
  const nodeFile = readNodeFile(paths, invocation.network);
  const nics = await chooseNics(conf, nodeFile, host);
  const links = planLinks(conf, nics, invocation.ifname);
  await requireFree(pod.netlink, links);
  const claimed = await claim(store, invocation, pod, {
    conf,
    links,
    delegates: planDelegates(conf.ipam, invocation, links),
    addressing: addressingFor(conf.ipam, invocation, nics, nodeFile),
  });
  await using undo = new AsyncDisposableStack();
  undo.defer(() => withdraw(store, claimed.record, invocation, pod));
  const plan = await addressByDelegates(store, claimed, conf, invocation);
  const made = await applyPlan(plan, host, pod);
  markReady(store, claimed);
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

/** A DEL that came meanwhile has taken the record away; then what was made has to go as well. */
function markReady(store: Store, { record }: Claim): void {
  const there = store.write((tx) => {
    if (tx.find(record)?.id !== record.id) return false;
    tx.update(record.id, { state: "ready" });
    return true;
  });
  if (there) return;
  throw new CniError(
    ErrorCode.tryAgainLater,
    `DEL of ${record.ifname} came while ADD was at work, and ADD undid itself; a new sandbox will do`,
  );
}
