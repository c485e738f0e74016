import { CniError, ErrorCode } from "../../lib/cni/error.ts";
import type { Netns } from "../../lib/linux/netns.ts";
import { SysctlError, writeSysctl } from "../../lib/linux/sysctl.ts";
import type { Request } from "../../lib/netlink/codec.ts";
import { NetlinkError } from "../../lib/netlink/error.ts";
import { newAddress } from "../../lib/netlink/message/address.ts";
import { decodeLink, dumpLinks, type Link, newLink, setLinkUp } from "../../lib/netlink/message/link.ts";
import { newRoute, type Route } from "../../lib/netlink/message/route.ts";
import { newRule } from "../../lib/netlink/message/rule.ts";
import type { PlannedRoute } from "../../lib/route/plan.ts";
import { isLent, lends } from "./device/device.ts";
import type { MadeLink, Plan, PlannedLink } from "./plan.ts";

/** rtnetlink's protocol number of the routes and rules we make, so that ours are told from others' (`proto 77`). */
export const ourProtocol = 77;

/**
 * Makes what the plan says: the links directly in the pod's namespace, or the devices moved into it, then everything else
 * in one batch. On a failure the links may be there; the caller deletes the group and gives the devices back.
 * @returns the links as the kernel describes them, in the plan's order
 * @throws CniError exists where a name or route is taken, NetlinkError for any other refusal
 */
export async function applyPlan(plan: Plan, host: Netns, pod: Netns): Promise<Link[]> {
  if (lends(plan)) await (await import("./device/lend.ts")).lendDevices(plan, host, pod);
  else await createLinks(plan.links.filter(isMade), plan.group, host, pod);
  const links = await readLinks(plan, pod);
  tuneLinks(plan, pod);
  const indexes = new Map(links.map((link) => [link.name, link.index]));
  await configure(plan, pod, (ifname) => indexes.get(ifname) ?? 0);
  return links;
}

const isMade = (link: PlannedLink): link is MadeLink => !isLent(link);

async function createLinks(
  links: readonly MadeLink[],
  group: number,
  host: Netns,
  pod: Netns,
): Promise<void> {
  const requests = links.map((link) => createRequest(link, group, pod.fd));
  try {
    await host.netlink.request(requests);
  } catch (error) {
    throw refusedLink(error, links);
  }
}

function createRequest(
  { ifname, master, masterIndex, kind, mtu, mac }: MadeLink,
  group: number,
  netnsFd: number,
): Request {
  const link = { name: ifname, kind, link: masterIndex, master, netnsFd, mtu, group };
  return newLink(mac === undefined ? link : { ...link, mac });
}

/** What the kernel says of a link, as somebody can act on it. */
function refusedLink(error: unknown, links: readonly MadeLink[]): unknown {
  if (!(error instanceof NetlinkError)) return error;
  const link = links[error.index];
  if (link === undefined) return error;
  const remedies: Record<string, [code: number, remedy: string]> = {
    EEXIST: [ErrorCode.exists, existing(link)],
    ENODEV: [ErrorCode.invalidConfig, `${link.master} is gone; name a link that is there`],
    EBUSY: [
      ErrorCode.invalidConfig,
      `${link.master} already serves another kind of link (ipvlan and macvlan exclude each other on one master, and a bridge or bond excludes both); use one kind on it`,
    ],
    EOPNOTSUPP: [
      ErrorCode.notAvailable,
      `this host's kernel has no ${link.kind.kind}; load it (modprobe ${modules[link.kind.kind] ?? link.kind.kind}), or use another plugin.type`,
    ],
  };
  const known = isPassthruConflict(error, link) ? passthruConflict(link) : remedies[error.code];
  if (known === undefined) return error;
  return new CniError(known[0], `${link.ifname}: ${known[1]}`, { details: error.message, cause: error });
}

/** Kernel modules that are not named as their kind of link. */
const modules: Readonly<Record<string, string>> = { vlan: "8021q" };

/** A VLAN's id is taken on its master, whatever namespace the link that has it is in (register_vlan_dev). */
function existing({ ifname, kind, master }: MadeLink): string {
  return kind.kind === "vlan"
    ? `VLAN ${kind.id} of ${master} is in use already, on the host or by another pod; a NIC has each VLAN once: use macvlan on a VLAN of the host for several pods, or another id`
    : `the pod already has ${ifname}; DEL that attachment first, or ask for another name`;
}

/** macvlan_common_newlink: EINVAL where either the new link or one that is there is in mode passthru. */
const isPassthruConflict = ({ code }: NetlinkError, { kind }: MadeLink): boolean =>
  code === "EINVAL" && kind.kind === "macvlan";

const passthruConflict = ({ master }: MadeLink): [code: number, remedy: string] => [
  ErrorCode.invalidConfig,
  `${master} cannot take this macvlan beside those it has, since mode passthru wants a master for itself; use mode bridge for all of them, or another master`,
];

/** Reads the links back: their ifindex and MAC are the kernel's choice. */
async function readLinks(plan: Plan, pod: Netns): Promise<Link[]> {
  const [messages] = await pod.netlink.request([dumpLinks()]);
  const byName = new Map((messages ?? []).map(decodeLink).map((link) => [link.name, link]));
  return plan.links.map(({ ifname }) => {
    const link = byName.get(ifname);
    if (link !== undefined) return link;
    throw new CniError(
      ErrorCode.kernel,
      `${ifname}: was made and is gone; something else deletes links in this pod`,
    );
  });
}

/**
 * IPv6 works on the link even where the pod's default is off, and its addresses outlive a link that goes down; a
 * pod that moves tells its neighbours. With several NICs, source routing would be undone by answering ARP for the
 * address of one NIC on another.
 */
function tuneLinks(plan: Plan, pod: Netns): void {
  pod.run(() => {
    for (const { ifname, addresses } of plan.links) {
      if (addresses.some(({ cidr }) => cidr.address.family === 6)) {
        writeSysctl(pod, `net/ipv6/conf/${ifname}/disable_ipv6`, "0");
        writeSysctl(pod, `net/ipv6/conf/${ifname}/keep_addr_on_down`, "1");
      }
      const wished = plan.rules.length > 0 ? [...announcing, ...strictArp] : announcing;
      for (const [family, key, value] of wished)
        wishSysctl(pod, `net/${family}/conf/${ifname}/${key}`, value);
    }
  });
}

const announcing = [
  ["ipv4", "arp_notify", "1"],
  ["ipv6", "ndisc_notify", "1"],
] as const;
const strictArp = [
  ["ipv4", "arp_ignore", "1"],
  ["ipv4", "arp_announce", "2"],
] as const;

/** A kernel that does not have it serves as well, only with slower or noisier neighbours. */
function wishSysctl(pod: Netns, key: string, value: string): void {
  try {
    writeSysctl(pod, key, value);
  } catch (error) {
    if (!(error instanceof SysctlError)) throw error;
  }
}

/** Addresses before the links are up, so that no packet leaves with another; then routes, then rules. */
async function configure(plan: Plan, pod: Netns, indexOf: (ifname: string) => number): Promise<void> {
  const batch = [
    ...plan.links.flatMap(({ ifname, addresses }) =>
      addresses.map(({ cidr }) => newAddress({ index: indexOf(ifname), cidr, nodad: true, ifname })),
    ),
    ...plan.links.map(({ ifname }) => setLinkUp(indexOf(ifname), ifname)),
    ...plan.routes.map((route) => newRoute(toRoute(route, indexOf))),
    ...plan.rules.map(({ from, table, priority }) =>
      newRule({ family: from.address.family, src: from, table, priority, protocol: ourProtocol }),
    ),
  ];
  try {
    await pod.netlink.request(batch);
  } catch (error) {
    throw refusedSetting(error);
  }
}

function refusedSetting(error: unknown): unknown {
  if (!(error instanceof NetlinkError)) return error;
  if (error.code === "EADDRINUSE") {
    return new CniError(
      ErrorCode.addressTaken,
      `${error.request}: another ipvlan of the same master has this address; find its pod, or exclude the address in ipam.excludeCIDRs`,
      { details: error.message, cause: error },
    );
  }
  if (error.code === "EEXIST") {
    return new CniError(
      ErrorCode.exists,
      `${error.request}: the pod already has it from another network; drop the route here, or give it another priority`,
      { details: error.message, cause: error },
    );
  }
  return error;
}

/** A planned route as netlink's: names become ifindexes, and nexthops the one or the many that the kernel tells apart. */
export function toRoute(route: PlannedRoute, indexOf: (ifname: string) => number): Route {
  const { dst, table, nexthops, src, mtu, advmss, priority, scope } = route;
  const hops = nexthops.map(({ ifname, gateway }) => ({
    oif: indexOf(ifname),
    ...(gateway === undefined ? {} : { gateway }),
  }));
  return {
    dst,
    table,
    protocol: ourProtocol,
    ...(hops.length === 1 ? hops[0] : { multipath: hops }),
    ...(src === undefined ? {} : { src }),
    ...(mtu === undefined ? {} : { mtu }),
    ...(advmss === undefined ? {} : { advmss }),
    ...(priority === undefined ? {} : { priority }),
    ...(scope === undefined ? {} : { scope }),
  };
}
