import { CniError, ErrorCode } from "../../../lib/cni/error.ts";
import type { Netns } from "../../../lib/linux/netns.ts";
import { NetlinkError } from "../../../lib/netlink/error.ts";
import { setLink } from "../../../lib/netlink/message/link.ts";
import { setVf, type VfSettings } from "../../../lib/netlink/message/vf.ts";
import { findLink } from "../../../lib/nic/discover.ts";
import type { LentLink, Plan } from "../plan.ts";
import { giveAddress } from "./address.ts";
import { isLent, lentGroup, shown } from "./device.ts";

/**
 * Moves the plan's devices into the pod, named as planned, once all are set up: what a physical function refuses keeps
 * them all at home. On a failure some may be set up, or in the pod; the caller gives them back.
 * @throws CniError naming the device, or the kernel's refusal
 */
export async function lendDevices(plan: Plan, host: Netns, pod: Netns): Promise<void> {
  const lent = plan.links.filter(isLent);
  for (const link of lent) await requireSame(link, host);
  for (const link of lent) await setUpVf(link, host);
  for (const [place, link] of plan.links.entries()) {
    if (!isLent(link)) continue;
    await move(link, lentGroup(plan.group, place), host, pod);
    if (link.mac !== undefined) await giveAddress(pod.netlink, link.ifname, link.mac);
    if (link.device.rdma !== undefined) await (await import("./rdma.ts")).lendRdma(link, host, pod);
  }
}

/** Since it was looked at, it may have been moved, renamed or replaced. */
async function requireSame({ master, masterIndex }: LentLink, { netlink }: Netns): Promise<void> {
  const link = await findLink(netlink, master);
  if (link?.index === masterIndex) return;
  throw new CniError(
    ErrorCode.tryAgainLater,
    `${master}: ${link === undefined ? "is gone" : "is another link"} since it was chosen; try again`,
  );
}

async function setUpVf({ kind, mac, device: { vf } }: LentLink, { netlink }: Netns): Promise<void> {
  if (kind.kind !== "sriov" || vf === undefined) return;
  const wanted = { ...kind.vf, ...(mac === undefined ? {} : { mac }) };
  // One after the other: what comes behind a refusal would be set all the same.
  for (const request of setVf(vf, wanted)) {
    try {
      await netlink.request([request]);
    } catch (error) {
      throw refusedSetting(error, vf.pf, wanted);
    }
  }
}

/** The keys of the configuration by those of setVf's labels. */
const keys: Readonly<Record<string, (settings: VfSettings) => string>> = {
  mac: ({ mac }) => `mac: ${mac}`,
  vlan: ({ vlan }) => `plugin.vlan: ${vlan?.vlan} (vlanQoS ${vlan?.qos}, vlanProto ${vlan?.proto})`,
  rate: ({ rate }) => `plugin.max_tx_rate: ${rate?.max} (min_tx_rate ${rate?.min})`,
  spoofchk: ({ spoofchk }) => `plugin.spoofchk: ${spoofchk ? "on" : "off"}`,
  linkState: ({ linkState }) => `plugin.link_state: ${linkState}`,
  trust: ({ trust }) => `plugin.trust: ${trust ? "on" : "off"}`,
};

function refusedSetting(error: unknown, pf: string, wanted: VfSettings): unknown {
  if (!(error instanceof NetlinkError)) return error;
  const { code, request, message } = error;
  const key = keys[/^set (\w+) of/.exec(request)?.[1] ?? ""];
  if (key === undefined) return error;
  return new CniError(
    code === "EOPNOTSUPP" ? ErrorCode.unsupportedField : ErrorCode.invalidConfig,
    `${key(wanted)} is refused by ${pf} (${code}): its driver has no such setting, or not this value; leave it out, or write another`,
    { details: message, cause: error },
  );
}

async function move(
  { ifname, master, masterIndex, mtu, device }: LentLink,
  group: number,
  host: Netns,
  pod: Netns,
): Promise<void> {
  const label = `move ${master} into the pod as ${ifname}`;
  // The alias tells people, and a DEL whose record is lost, whose link it is.
  const change = { index: masterIndex, label, netnsFd: pod.fd, name: ifname, group, alias: master };
  try {
    await host.netlink.request([setLink({ ...change, ...(mtu === device.mtu ? {} : { mtu }) })]);
  } catch (error) {
    throw refusedMove(error, shown(master, device), ifname);
  }
}

function refusedMove(error: unknown, device: string, ifname: string): unknown {
  if (!(error instanceof NetlinkError)) return error;
  const { code, message } = error;
  const options = { details: message, cause: error };
  if (code === "EEXIST") {
    const what = `the pod has a link of the name ${ifname}, or one of the device's further names`;
    return new CniError(
      ErrorCode.exists,
      `${ifname}: ${device} cannot move: ${what}; rename that one`,
      options,
    );
  }
  if (code !== "EINVAL") return error;
  const what = "its driver keeps it in the host's namespace, or does not take the MTU";
  return new CniError(
    ErrorCode.invalidConfig,
    `${ifname}: ${device} cannot move: ${what}; name another`,
    options,
  );
}
