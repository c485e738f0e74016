import { bitsOf, formatAddress, formatCidr } from "../../lib/net/address.ts";
import { IFF_UP, RT_SCOPE_LINK } from "../../lib/netlink/constants.ts";
import type { LinkKind } from "../../lib/netlink/kind/kinds.ts";
import type { LinkAddress } from "../../lib/netlink/message/address.ts";
import type { Link } from "../../lib/netlink/message/link.ts";
import type { Route } from "../../lib/netlink/message/route.ts";
import type { RuleRead } from "../../lib/netlink/message/rule.ts";
import { mainTable, type PlannedRoute } from "../../lib/route/plan.ts";
import { isLent, lentGroup, mayBeDevice, shown } from "./device/device.ts";
import { isTableOf, type LentLink, type MadeLink, type Plan, type PlannedLink } from "./plan.ts";

/** The pod as the kernel describes it. */
export interface PodState {
  readonly links: readonly Link[];
  readonly addresses: readonly LinkAddress[];
  readonly routes: readonly Route[];
  readonly rules: readonly RuleRead[];
}

/**
 * What plugins behind us in the chain may have changed, as prevResult tells it: MTUs by ifname. That of a link which is
 * not in it is not compared: results below 1.1.0 hold none, so tuning could not say that it set one.
 */
export interface Tolerated {
  readonly mtu: ReadonlyMap<string, number>;
}

/** Every difference between the plan and the pod, as sentences; none where all is as ADD made it. */
export function differences(plan: Plan, pod: PodState, tolerated: Tolerated): string[] {
  const byName = new Map(pod.links.map((link) => [link.name, link]));
  const names = new Map(pod.links.map((link) => [link.index, link.name]));
  return [
    ...plan.links.flatMap((planned, place) => {
      const group = isLent(planned) ? lentGroup(plan.group, place) : plan.group;
      return ofLink({ ...planned, group }, byName.get(planned.ifname), pod, tolerated);
    }),
    ...ofRoutes(plan, pod, names),
    ...ofRules(plan, pod.rules),
  ];
}

function ofLink(
  planned: PlannedLink & { readonly group: number },
  link: Link | undefined,
  pod: PodState,
  { mtu }: Tolerated,
): string[] {
  const { ifname, group } = planned;
  if (link === undefined) return [`${ifname} is gone`];
  const told = mtu.get(ifname);
  const wrong: [boolean, string][] = [
    [(link.flags & IFF_UP) === 0, "is down"],
    [link.group !== group, `is in link group ${link.group}, not ${group}`],
    ...(isLent(planned) ? ofDevice(planned, link) : ofMade(planned, link)),
    [
      told !== undefined && ![planned.mtu, told].includes(link.mtu),
      `has MTU ${link.mtu}, not ${planned.mtu}`,
    ],
  ];
  return [
    ...wrong.filter(([is]) => is).map(([, what]) => `${ifname} ${what}`),
    ...ofAddresses(
      planned,
      pod.addresses.filter(({ index }) => index === link.index),
    ),
  ];
}

function ofMade({ kind, master, masterIndex }: MadeLink, link: Link): [boolean, string][] {
  return [
    [link.link !== masterIndex, `has master ${link.link ?? "none"}, not ${masterIndex} (${master})`],
    [!sameKind(kind, link.kind), `is ${describeKind(link.kind, kind)}, not ${describeKind(kind, kind)}`],
  ];
}

/** A link that took its name is told by what stands behind it, as far as the kernel says that, or else by its kind. */
function ofDevice({ master, mac, device }: LentLink, link: Link): [boolean, string][] {
  return [
    [!mayBeDevice(link, device), `is another link than ${shown(master, device)}`],
    [mac !== undefined && link.mac !== mac, `has the address ${link.mac}, not ${mac}`],
  ];
}

/** What the plan leaves to the kernel (bcqueuelen) is no difference. */
function sameKind(planned: LinkKind, actual: LinkKind | undefined): boolean {
  if (actual === undefined) return false;
  const found: Readonly<Record<string, unknown>> = { ...actual };
  return Object.entries(planned).every(([key, value]) => found[key] === value);
}

/** What the plan says nothing of is left out here too. */
function describeKind(kind: LinkKind | undefined, planned: LinkKind): string {
  if (kind === undefined) return "no virtual link";
  if (kind.kind === "other") return kind.name;
  const values: Readonly<Record<string, unknown>> = { ...kind };
  return Object.keys(planned)
    .flatMap((key) => values[key] ?? [])
    .join(" ");
}

function ofAddresses({ ifname, addresses }: PlannedLink, found: readonly LinkAddress[]): string[] {
  const planned = new Set(addresses.map(({ cidr }) => formatCidr(cidr)));
  // Addresses of link scope the kernel adds itself.
  const actual = new Set(
    found.filter(({ scope }) => scope < RT_SCOPE_LINK).map(({ cidr }) => formatCidr(cidr)),
  );
  return [
    ...[...planned].filter((cidr) => !actual.has(cidr)).map((cidr) => `${ifname} has lost ${cidr}`),
    ...[...actual]
      .filter((cidr) => !planned.has(cidr))
      .map((cidr) => `${ifname} has ${cidr}, which is not its own`),
  ];
}

function ofRoutes(plan: Plan, pod: PodState, names: ReadonlyMap<number, string>): string[] {
  const present = new Set(names.values());
  const actual = new Map<string, Set<string>>();
  for (const route of pod.routes) {
    const key = routeKey(route);
    const hops = route.multipath ?? [{ oif: route.oif ?? 0, gateway: route.gateway }];
    const texts = hops.map(({ oif, gateway }) => hopText(names.get(oif) ?? "", gateway));
    actual.set(key, new Set([...(actual.get(key) ?? []), ...texts]));
  }
  return plan.routes.flatMap((route) => {
    // A link that is gone has taken its routes along, and is named already.
    const lost = route.nexthops
      .filter(({ ifname }) => present.has(ifname))
      .filter(({ ifname, gateway }) => {
        const tables = [route.table, ...(route.table === mainTable ? movedTo(ifname, plan, pod.rules) : [])];
        return !tables.some((table) =>
          actual.get(routeKey({ ...route, table }))?.has(hopText(ifname, gateway)),
        );
      });
    return lost.map(
      ({ ifname, gateway }) =>
        `route ${formatCidr(route.dst)} ${hopText(ifname, gateway)} of table ${route.table} is gone`,
    );
  });
}

/**
 * Tables that are not ours and that the link's own addresses are routed by: a later plugin (Go's sbr) moves the routes
 * of an interface out of the main table into such a one, and says nothing of it in the result.
 */
function movedTo(ifname: string, { group, links }: Plan, rules: readonly RuleRead[]): number[] {
  const own = new Set(
    links
      .filter((link) => link.ifname === ifname)
      .flatMap(({ addresses }) => addresses.map(({ cidr }) => formatAddress(cidr.address))),
  );
  return rules
    .filter(({ table }) => !isTableOf(group, table))
    .filter(
      ({ src }) => src?.prefix === bitsOf(src?.address.family ?? 4) && own.has(formatAddress(src.address)),
    )
    .map(({ table }) => table);
}

/** IP6_RT_PRIO_USER (linux/ipv6_route.h): what the kernel makes of no priority, in IPv6. */
const defaultPriority = { 4: 0, 6: 1024 } as const;

function routeKey({ dst, table, priority }: Pick<PlannedRoute, "dst" | "table" | "priority">): string {
  return `${formatCidr(dst)} ${table} ${priority || defaultPriority[dst.address.family]}`;
}

function hopText(ifname: string, gateway: PlannedRoute["src"]): string {
  return gateway === undefined ? `dev ${ifname}` : `via ${formatAddress(gateway)} dev ${ifname}`;
}

function ofRules(plan: Plan, found: readonly RuleRead[]): string[] {
  const text = (from: string, table: number): string => `rule from ${from} lookup ${table}`;
  const actual = new Set(
    found.flatMap(({ src, table }) => (src === undefined ? [] : [text(formatCidr(src), table)])),
  );
  return plan.rules
    .map(({ from, table }) => text(formatCidr(from), table))
    .filter((rule) => !actual.has(rule))
    .map((rule) => `${rule} is gone`);
}
