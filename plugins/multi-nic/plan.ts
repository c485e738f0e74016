import { CniError, ErrorCode } from "../../lib/cni/error.ts";
import type { Dns } from "../../lib/cni/result.ts";
import type { NewLinkKind } from "../../lib/netlink/kind/kinds.ts";
import type { Nic } from "../../lib/nic/nic.ts";
import type { SelectedNic } from "../../lib/nic/offer.ts";
import type { PlannedRoute, PlannedRule, RouteWanted } from "../../lib/route/plan.ts";
import { planRoutes, planSourceRouting } from "../../lib/route/plan.ts";
import type { MultiNicConf } from "./conf.ts";
import type { DeviceNic, HostDevice, LentKind } from "./device/device.ts";
import type { Addressing, NicAddress } from "./ipam/addressing.ts";

/** One attachment as data: everything ADD will do, CHECK compares and DEL undoes. */
export interface Plan {
  /** IFLA_GROUP of the links, and the first of the attachment's routing tables (group + place of the NIC). */
  readonly group: number;
  readonly links: readonly PlannedLink[];
  readonly routes: readonly PlannedRoute[];
  readonly rules: readonly PlannedRule[];
  /** The routes as they were asked for: what the result shows. */
  readonly wanted: readonly RouteWanted[];
  readonly dns: Dns;
  /** IPAM plugins that ran for it, and that DEL, CHECK and GC must run again. */
  readonly delegates: readonly DelegateCall[];
}

export type PlannedLink = MadeLink | LentLink;

interface LinkOfPod {
  readonly ifname: string;
  /** ifindex in the pod, once ADD has made everything: what a pod can call otherwise is the same link by it */
  readonly index?: number;
  /** Of a device that is lent: its own name in the host's namespace */
  readonly master: string;
  /** ifindex of the master, in the host's namespace */
  readonly masterIndex: number;
  /** bytes */
  readonly mtu: number;
  readonly mac: string | undefined;
  readonly addresses: readonly NicAddress[];
}

/** A link that is made on its master. */
export interface MadeLink extends LinkOfPod {
  readonly kind: NewLinkKind;
}

/** A link of the host that moves into the pod and, at last, back. */
export interface LentLink extends LinkOfPod {
  readonly kind: LentKind;
  readonly device: HostDevice;
}

export interface DelegateCall {
  readonly type: string;
  /** CNI_IFNAME of the call */
  readonly ifname: string;
  /** Its stdin, as text: somebody else's JSON is not taken apart. */
  readonly conf: string;
}

/** What names an attachment: the specification's attachment, and the network it is to. */
export interface AttachmentKey {
  readonly network: string;
  readonly containerId: string;
  readonly ifname: string;
}

/** IFNAMSIZ less the closing zero (linux/if.h). */
const longestIfname = 15;

/** As many tables as an attachment owns. */
export const mostNics = 256;

/**
 * The links, before their addresses are known.
 * @throws CniError where a name is too long, the MTU too large, or one MAC is asked for several links
 */
export function planLinks(
  conf: MultiNicConf,
  nics: readonly SelectedNic<Nic | DeviceNic>[],
  ifname: string,
): PlannedLink[] {
  if (nics.length > mostNics) {
    throw invalid(
      `args.cni.nics: ${nics.length} NICs are more than the ${mostNics} one attachment can have; choose fewer`,
    );
  }
  checkMac(conf, nics.length);
  return nics.map(({ nic }, place) => ({
    ifname: linkName(conf, ifname, place),
    master: nic.name,
    masterIndex: nic.index,
    ...kindOn(nic, conf.link.kind),
    mtu: mtuOn(nic, conf.link.mtu),
    mac: conf.mac,
    addresses: [],
  }));
}

function kindOn(
  nic: Nic | DeviceNic,
  kind: NewLinkKind | LentKind,
): Pick<MadeLink, "kind"> | Pick<LentLink, "kind" | "device"> {
  if (kind.kind !== "host-device" && kind.kind !== "sriov") return { kind };
  if (!("device" in nic)) throw new TypeError(`${nic.name} is no device that can be lent`);
  return { kind, device: nic.device };
}

/** The kernel gives an ipvlan, and a macvlan in passthru mode, its master's address, whatever is asked for. */
function checkMac({ mac, link: { kind } }: MultiNicConf, nics: number): void {
  if (mac === undefined) return;
  if (kind.kind === "ipvlan" || (kind.kind === "macvlan" && kind.mode === "passthru")) {
    throw invalid(
      `mac: ${mac} is asked for, and ${kind.kind} ${kind.mode} has its master's; use macvlan bridge, private or vepa, or ask for none`,
    );
  }
  if (nics > 1) {
    throw invalid(
      `mac: ${mac} is asked for, and ${nics} NICs are attached; choose one with args.cni.nics: 1, or ask for none`,
    );
  }
}

function linkName(conf: MultiNicConf, ifname: string, place: number): string {
  const name = conf.naming === "first-exact" && place === 0 ? ifname : `${ifname}-${place}`;
  if (name.length <= longestIfname) return name;
  throw new CniError(
    ErrorCode.invalidEnvironment,
    `CNI_IFNAME: "${ifname}" makes "${name}", longer than the ${longestIfname} characters the kernel takes; ask for a name of at most ${longestIfname - `-${place}`.length} (the part behind @ of the networks annotation)`,
  );
}

/** ETH_MIN_MTU (linux/if_ether.h) */
const leastMtu = 68;
/** IPV6_MIN_MTU (net/ipv6.h): below it a link has no IPv6 at all. */
const leastMtuIpv6 = 1280;

function mtuOn(nic: Nic, mtu: number | undefined): number {
  if (mtu === undefined) return nic.mtu;
  if (mtu < leastMtu) {
    throw invalid(
      `plugin.mtu: ${mtu} is less than the ${leastMtu} that a link has at least; write ${leastMtu} to ${nic.mtu}`,
    );
  }
  if (mtu <= nic.mtu) return mtu;
  throw invalid(
    `plugin.mtu: ${mtu} is more than ${nic.mtu}, the MTU of ${nic.name}; write at most ${nic.mtu}, or leave it out to take the master's`,
  );
}

function requireMtuForIpv6({ ifname, master, mtu, addresses }: PlannedLink): void {
  if (mtu >= leastMtuIpv6 || addresses.every(({ cidr }) => cidr.address.family === 4)) return;
  throw invalid(
    `plugin.mtu: ${mtu}, that of ${ifname} on ${master}, is less than the ${leastMtuIpv6} that IPv6 needs; write at least ${leastMtuIpv6}, raise the MTU of ${master}, or give no IPv6 addresses`,
  );
}

/** The whole attachment, once its addresses are known. */
export function planAttachment(
  key: AttachmentKey,
  conf: Pick<MultiNicConf, "sourceRouting" | "dns">,
  links: readonly PlannedLink[],
  addressing: Addressing,
  delegates: readonly DelegateCall[],
): Plan {
  const group = groupOf(key);
  const addressed = links.map((link, place) => ({ ...link, addresses: addressing.nics[place] ?? [] }));
  addressed.forEach(requireMtuForIpv6);
  const routes = planRoutes(addressed, addressing.routes);
  const source = conf.sourceRouting ? planSourceRouting(addressed, routes, group) : { routes: [], rules: [] };
  return {
    group,
    links: addressed,
    routes: [...routes, ...source.routes],
    rules: source.rules,
    wanted: addressing.routes,
    dns: conf.dns ?? addressing.dns,
    delegates,
  };
}

/**
 * A number made of the attachment's key, the same at every call: so DEL finds the attachment's links, tables and rules
 * even where the store was lost. Its lowest 8 bits are 0, for the tables. FNV-1a, folded to 22 bits: it has to tell the
 * few attachments of one pod apart, not those of a node.
 */
export function groupOf({ network, containerId, ifname }: AttachmentKey): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(`${network}\0${containerId}\0${ifname}`)) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  const folded = (hash ^ (hash >>> 22)) & 0x3fffff;
  return 0x40000000 + folded * mostNics;
}

export const isTableOf = (group: number, table: number): boolean =>
  table >= group && table < group + mostNics;

const invalid = (message: string): CniError => new CniError(ErrorCode.invalidConfig, message);
