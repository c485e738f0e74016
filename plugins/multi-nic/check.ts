import { isObject, valueIn } from "../../lib/cni/conf.ts";
import { CniError, ErrorCode } from "../../lib/cni/error.ts";
import type { Invocation } from "../../lib/cni/invocation.ts";
import { parseResult } from "../../lib/cni/result.ts";
import type { AttachmentRecord, Lease } from "../../lib/ipam/record.ts";
import { openStore } from "../../lib/ipam/store.ts";
import { type Netns, ownNetns } from "../../lib/linux/netns.ts";
import { statePaths } from "../../lib/linux/paths.ts";
import { formatAddress } from "../../lib/net/address.ts";
import { decodeAddress, dumpAddresses } from "../../lib/netlink/message/address.ts";
import { decodeLink, dumpLinks } from "../../lib/netlink/message/link.ts";
import { decodeRoute, dumpRoutes } from "../../lib/netlink/message/route.ts";
import { decodeRule, dumpRules } from "../../lib/netlink/message/rule.ts";
import { keyOf } from "./attachment.ts";
import { differences, type PodState, type Tolerated } from "./compare.ts";
import { parseMultiNicConf } from "./conf.ts";
import { lends } from "./device/device.ts";
import { checkDelegates } from "./ipam/delegates.ts";
import { openPod } from "./observe.ts";
import type { Plan } from "./plan.ts";
import { planOf } from "./plan-json.ts";

/** Compares the kernel and the store with what ADD recorded. @throws CniError checkFailed naming every difference */
export async function check(invocation: Invocation): Promise<void> {
  const tolerated = toleratedBy(invocation);
  const { ipam } = parseMultiNicConf(invocation);
  using pod = openPod(invocation.netns);
  const { record, leases } = recorded(invocation);
  const plan = planOf(record);
  const found = [
    ...(ipam.mode === "own" ? lostLeases(plan, leases) : []),
    ...differences(plan, await readPod(pod), tolerated),
    ...(lends(plan) ? await deviceDifferences(plan, pod) : []),
  ];
  if (found.length > 0) {
    throw new CniError(
      ErrorCode.checkFailed,
      `${invocation.ifname} is not as ADD made it: ${found.join("; ")}; delete the pod, so that it is made anew`,
    );
  }
  await checkDelegates(plan.delegates, invocation);
}

async function deviceDifferences(plan: Plan, pod: Netns): Promise<string[]> {
  const { differencesOfDevices } = await import("./device/check.ts");
  using host = ownNetns();
  return await differencesOfDevices(plan, host, pod);
}

function toleratedBy({ conf, cniVersion }: Invocation): Tolerated {
  const prevResult = valueIn(conf, "prevResult");
  if (!isObject(prevResult)) {
    throw new CniError(
      ErrorCode.invalidConfig,
      "prevResult: is missing; CHECK needs the result that ADD gave",
    );
  }
  const { interfaces } = parseResult(prevResult, cniVersion);
  return { mtu: new Map(interfaces.flatMap(({ name, mtu }) => (mtu === undefined ? [] : [[name, mtu]]))) };
}

function recorded(invocation: Invocation): { record: AttachmentRecord; leases: Lease[] } {
  using store = openStore(statePaths(invocation.env));
  const found = store.read((tx) => {
    const record = tx.find(keyOf(invocation));
    return record === undefined ? undefined : { record, leases: tx.leasesOf(record.id) };
  });
  if (found?.record.state === "ready") return found;
  throw new CniError(
    ErrorCode.checkFailed,
    `${invocation.ifname} of container ${invocation.containerId} is ${found === undefined ? "not recorded" : halves[found.record.state]} on network ${invocation.network}; delete the pod, so that it is made anew`,
  );
}

const halves = { adding: "half made", ready: "ready", deleting: "being deleted" } as const;

function lostLeases(plan: Plan, leases: readonly Lease[]): string[] {
  const held = new Set(leases.map(({ address }) => formatAddress(address)));
  return plan.links
    .flatMap(({ addresses }) => addresses.map(({ cidr }) => formatAddress(cidr.address)))
    .filter((address) => !held.has(address))
    .map((address) => `the lease of ${address} is gone`);
}

async function readPod({ netlink }: Netns): Promise<PodState> {
  const [links, addresses, routes, rules4, rules6] = await netlink.request([
    dumpLinks(),
    dumpAddresses(),
    dumpRoutes(),
    dumpRules(4),
    dumpRules(6),
  ]);
  return {
    links: (links ?? []).map(decodeLink),
    addresses: (addresses ?? []).map(decodeAddress),
    routes: (routes ?? []).map(decodeRoute),
    rules: [...(rules4 ?? []), ...(rules6 ?? [])].map(decodeRule),
  };
}
