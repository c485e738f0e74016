import { CniError, ErrorCode } from "../../lib/cni/error.ts";
import type { Invocation } from "../../lib/cni/invocation.ts";
import { statePaths } from "../../lib/linux/paths.ts";
import type { HostView } from "../../lib/nic/discover.ts";
import { readDeviceClass } from "../../lib/nic/facts/class-file.ts";
import { findPodDevices, type PodDevices, requirePodDevices } from "../../lib/nic/facts/pod-devices.ts";
import { locateGpus } from "../../lib/nic/facts/pod-gpus.ts";
import { readVirtualTopology, virtualTopologyFile } from "../../lib/nic/facts/virtual-topology.ts";
import type { HostNic } from "../../lib/nic/host-nic.ts";
import { type Offer, offeredNics, offerKey, type SelectedNic, withNodeIndexes } from "../../lib/nic/offer.ts";
import type { Topology } from "../../lib/nic/policy/distance.ts";
import type { Policy, Ruled } from "../../lib/nic/policy/policy.ts";
import { rule } from "../../lib/nic/policy/rule.ts";
import { chosenByName, nothingOffered, type PodChoice } from "../../lib/nic/select.ts";
import { surveyNics } from "../../lib/nic/survey.ts";
import type { PolicyConf } from "./policy-conf.ts";

export interface PolicyCall {
  readonly policy: PolicyConf;
  readonly offer: Offer;
  readonly choice: PodChoice;
  /** Why a NIC needs an address */
  readonly addressFor: string | undefined;
  readonly invocation: Invocation;
  readonly view: HostView;
  /** Attachments by the name of their master */
  readonly load: ReadonlyMap<string, number>;
}

/**
 * The NICs that the policy chooses, in the network's order: so the pod's first interface is on the same rail on every host.
 * @throws CniError naming the key, the value and the remedy, or why each NIC cannot serve
 */
export async function chooseByPolicy(call: PolicyCall): Promise<SelectedNic[]> {
  const { rulings, refusal, offered } = await ruleByPolicy(call);
  if (refusal !== undefined) throw new CniError(ErrorCode.invalidConfig, refusal);
  const verdicts = new Map(rulings.map(({ nic, verdict }) => [nic.nic.name, verdict]));
  const verdictOn = ({ nic }: SelectedNic) => verdicts.get(nic.name) ?? "left out";
  const able = offered.filter((each) => verdictOn(each) !== "left out");
  return withNodeIndexes(able, call.offer.nodeMasters).filter((each) => verdictOn(each) === "chosen");
}

export interface RuledOffer extends Ruled {
  /** All that the network offers, in its order */
  readonly offered: readonly SelectedNic<HostNic>[];
  /** Of topology: what the pod has, and who told of it; absent where no pod is named */
  readonly podDevices?: PodDevices;
}

/** What the policy says of each NIC that the network offers to the pod. */
export async function ruleByPolicy(call: PolicyCall): Promise<RuledOffer> {
  const { offer, choice, view } = call;
  const podDevices = await readPodDevices(call);
  const policy = readPolicy(call, podDevices);
  const nics = await surveyNics(view, { virtual: virtualOf(offer) });
  const all = offeredNics(nics, offer);
  if (all.length === 0) throw nothingOffered(nics, offer);
  const offered = chosenByName(all, choice.masters);
  return { ...rule(offered, policy), offered, ...(podDevices === undefined ? {} : { podDevices }) };
}

/** Links that are named, or have an address in the network's, count whatever they are. */
function virtualOf(offer: Offer): readonly string[] | "all" {
  const key = offerKey(offer);
  if (key === "masterNets") return "all";
  return key === "masters" ? offer.masters : (offer.nodeMasters ?? []).map(({ name }) => name);
}

/** The policy with all it decides by, read from where it is. */
function readPolicy(call: PolicyCall, podDevices: PodDevices | undefined): Policy {
  const { invocation, choice, addressFor, load, offer } = call;
  const { strategy, className, target } = call.policy;
  // A secondary NIC is one that has an address; one that is named need not.
  const needed = addressFor ?? (offerKey(offer) === "none" ? "a NIC that nobody named" : undefined);
  return {
    strategy,
    load,
    ...(choice.nics === undefined ? {} : { nics: choice.nics }),
    ...(needed === undefined ? {} : { addressFor: needed }),
    ...(target === undefined ? {} : { target }),
    ...(className === undefined
      ? {}
      : { deviceClass: readDeviceClass(statePaths(invocation.env).classes, className) }),
    ...(strategy === "topology" ? { topology: readTopology(call, podDevices) } : {}),
  };
}

function readTopology({ view }: PolicyCall, podDevices: PodDevices | undefined): Topology {
  const located = readVirtualTopology(virtualTopologyFile);
  const sources = { sys: view.sys, proc: "/proc" };
  return { located, gpus: locateGpus(sources, podDevices?.devices ?? [], located) };
}

async function readPodDevices({ invocation, policy }: PolicyCall): Promise<PodDevices | undefined> {
  if (policy.strategy !== "topology") return undefined;
  const { args, command, env, log } = invocation;
  const kubeletDir = env.MULTI_NIC_CNI_KUBELET_DIR || "/var/lib/kubelet";
  // STATUS is about no pod.
  if (command !== "ADD") {
    requirePodDevices(kubeletDir);
    return undefined;
  }
  const found = await findPodDevices(kubeletDir, {
    uid: args.get("K8S_POD_UID") ?? "",
    namespace: args.get("K8S_POD_NAMESPACE") ?? "",
    name: args.get("K8S_POD_NAME") ?? "",
  });
  if (found.reason !== undefined)
    log.info(`the pod's GPUs are known by ${found.source}`, { reason: found.reason });
  return found;
}
