import { existsSync } from "node:fs";
import type { Cidr } from "../net/address.ts";
import { containsAddress } from "../net/address.ts";
import type { Message, Request } from "../netlink/codec.ts";
import { IFF_LOOPBACK, IFF_LOWER_UP, IFF_UP, RT_SCOPE_LINK, RT_TABLE_MAIN } from "../netlink/constants.ts";
import { NetlinkError } from "../netlink/error.ts";
import { decodeAddress, dumpAddresses } from "../netlink/message/address.ts";
import { decodeLink, dumpLinks, getLinkByIndex, getLinkByName, type Link } from "../netlink/message/link.ts";
import { decodeRoute, dumpRoutes } from "../netlink/message/route.ts";
import type { Netlink } from "../netlink/socket.ts";
import { lowersOf, overKind } from "./lower.ts";
import { mayHaveDevice } from "./may-have-device.ts";
import type { Nic } from "./nic.ts";

/** Where the host is looked at. */
export interface HostView {
  readonly netlink: Netlink;
  /** "/sys", or a captured tree's */
  readonly sys: string;
}

/**
 * Every link of the host but loopback, as a NIC; three dumps. `withDevice` passes over those that no device can be behind,
 * unread: on a node with many pods nearly all.
 */
export async function readNics(host: HostView, { withDevice = false } = {}): Promise<Nic[]> {
  const messages = await dump(host.netlink, dumpLinks());
  const links = messages.filter(({ body }) => !withDevice || mayHaveDevice(body)).map(decodeLink);
  const addresses = await readAddresses(host.netlink);
  const defaults = await readDefaultRoutes(host.netlink);
  const physical = physicalLinks(host, links);
  return links
    .filter(({ flags }) => (flags & IFF_LOOPBACK) === 0)
    .map((link) => ({
      ...toNic(link, addresses.get(link.index) ?? []),
      physical: physical.has(link.index),
      defaultRoute: defaults.has(link.index),
    }));
}

/** Of linux/if.h: a link's name has fewer bytes. */
const IFNAMSIZ = 16;

/**
 * The NICs of these names, those that there are. It looks at no other link, so that it costs the same on a host with a
 * thousand; at default routes it does not look, and at addresses only where asked to.
 */
export async function readNicsByName(
  host: HostView,
  names: readonly string[],
  { addresses }: { readonly addresses: boolean },
): Promise<Nic[]> {
  const links = await findLinks(host.netlink, lookupsOf(names));
  const known = addresses
    ? await Promise.all(links.map(({ index }) => readAddresses(host.netlink, index)))
    : [];
  return links.map((link, place) => ({
    ...toNic(link, known[place]?.get(link.index) ?? []),
    physical: hasDevice(host, link),
    defaultRoute: false,
  }));
}

/**
 * The NICs with an address in one of the networks. It looks at all addresses, but at no link without one of these: a
 * host with a thousand pods has a thousand links whose addresses are their own affair.
 */
export async function readNicsOnNets(host: HostView, nets: readonly Cidr[]): Promise<Nic[]> {
  const addresses = await readAddresses(host.netlink);
  const isOnOne = ({ address }: Cidr) => nets.some((net) => containsAddress(net, address));
  const indexes = [...addresses].filter(([, cidrs]) => cidrs.some(isOnOne)).map(([index]) => index);
  const links = await findLinks(host.netlink, indexes.map(getLinkByIndex));
  return links
    .filter(({ flags }) => (flags & IFF_LOOPBACK) === 0)
    .map((link) => ({
      ...toNic(link, addresses.get(link.index) ?? []),
      physical: hasDevice(host, link),
      defaultRoute: false,
    }));
}

/** The link of that name, or undefined. */
export async function findLink(netlink: Netlink, name: string): Promise<Link | undefined> {
  const [link] = await findLinks(netlink, lookupsOf([name]));
  return link;
}

/** No link has a longer name, and one of megabytes fits no attribute. */
const lookupsOf = (names: readonly string[]): Request[] =>
  names.filter((name) => Buffer.byteLength(name) < IFNAMSIZ).map(getLinkByName);

/** Lookups in one batch, whose answers all have room in a socket */
const mostAtOnce = 64;

/** The links that are looked up, those that there are: in one batch, or one by one where one is missing. */
async function findLinks(netlink: Netlink, lookups: readonly Request[]): Promise<Link[]> {
  if (lookups.length === 0) return [];
  try {
    if (lookups.length <= mostAtOnce) return (await netlink.request(lookups)).flat().map(decodeLink);
  } catch (error) {
    if (!(error instanceof NetlinkError) || !["ENODEV", "ERANGE"].includes(error.code)) throw error;
    if (lookups.length === 1) return [];
  }
  const found: Link[] = [];
  for (const lookup of lookups) found.push(...(await findLinks(netlink, [lookup])));
  return found;
}

function toNic(link: Link, addresses: readonly Cidr[]): Omit<Nic, "physical" | "defaultRoute"> {
  return {
    name: link.name,
    index: link.index,
    mac: link.mac,
    mtu: link.mtu,
    up: (link.flags & IFF_UP) !== 0,
    carrier: (link.flags & IFF_LOWER_UP) !== 0,
    addresses,
  };
}

/** The ifindexes of links with a device, and of the VLANs and bonds over those. */
function physicalLinks(host: HostView, links: readonly Link[]): ReadonlySet<number> {
  const byIndex = new Map(links.map((link) => [link.index, link]));
  const above = links.filter((link) => overKind(link) !== undefined);
  const found = new Set(
    links.filter((link) => overKind(link) === undefined && hasDevice(host, link)).map(({ index }) => index),
  );
  // As often as links stand on each other.
  for (let known = -1; known !== found.size; ) {
    known = found.size;
    for (const link of above)
      if (lowersOf(link, byIndex).some(({ index }) => found.has(index))) found.add(link.index);
  }
  return found;
}

const hasDevice = ({ sys }: HostView, { name }: Link): boolean =>
  existsSync(`${sys}/class/net/${name}/device`);

/** The global addresses by ifindex, of one link or of all. */
export async function readAddresses(netlink: Netlink, index?: number): Promise<Map<number, Cidr[]>> {
  const byLink = new Map<number, Cidr[]>();
  const addresses = (await dump(netlink, dumpAddresses(index))).map(decodeAddress);
  // From link scope on an address is of no use to other hosts.
  for (const { index: of, cidr, scope } of addresses) {
    if (scope < RT_SCOPE_LINK) byLink.set(of, [...(byLink.get(of) ?? []), cidr]);
  }
  return byLink;
}

/** The ifindexes that a default route of the main table leaves by. */
export async function readDefaultRoutes(netlink: Netlink): Promise<Set<number>> {
  // By family: a host may have routes of others (MPLS, multicast), which are none of ours.
  const messages = [...(await dumpMain(netlink, 4)), ...(await dumpMain(netlink, 6))];
  const routes = messages.map(decodeRoute);
  const defaults = routes.filter(({ dst, table }) => table === RT_TABLE_MAIN && dst.prefix === 0);
  return new Set(
    defaults.flatMap(({ oif, multipath }) => [oif ?? 0, ...(multipath ?? []).map((hop) => hop.oif)]),
  );
}

/** The main table's routes. The kernel makes the table with its first route, and says ENOENT before that. */
async function dumpMain(netlink: Netlink, family: 4 | 6) {
  try {
    return await dump(netlink, dumpRoutes(RT_TABLE_MAIN, family));
  } catch (error) {
    if (error instanceof NetlinkError && error.code === "ENOENT") return [];
    throw error;
  }
}

export async function dump(netlink: Netlink, request: Request): Promise<Message[]> {
  const [messages] = await netlink.request([request]);
  return messages ?? [];
}
