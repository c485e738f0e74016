import type { HostRoute } from "../cluster/host-plan.ts";
import { type Cidr, formatCidr } from "../net/address.ts";
import type { Route } from "../netlink/message/route.ts";
import type { Rule } from "../netlink/message/rule.ts";

/** rtnetlink's protocol number of the routes and rules that multi-nicd makes on a host (`ip route show proto 78`). */
export const hostProtocol = 78;

/** `ip rule` priority of ours: before main's table, which sends the pods' packets by the default route. */
export const rulePriority = 30_078;

const firstTable = 2 ** 29;

/**
 * The table of a network: a hash of its name (FNV-1a) between 2^29 and 2^30, which no administrator numbers by hand and
 * none of the tables in pods has.
 */
export function tableOf(network: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(network)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return firstTable + (hash % firstTable);
}

/** Whether it may be a network's. */
export const isTableOfNetwork = (table: number): boolean => table >= firstTable && table < 2 * firstTable;

/** What pods of the network send goes by its table. */
export function rulesOf(network: string, subnets: readonly Cidr[]): Rule[] {
  return subnets.map((src) => ({
    family: src.address.family,
    src,
    table: tableOf(network),
    priority: rulePriority,
    protocol: hostProtocol,
  }));
}

export const toRoute = (network: string, { dst, gateway, oif }: HostRoute): Route => ({
  dst,
  gateway,
  oif,
  table: tableOf(network),
  protocol: hostProtocol,
});

/** What has to be done for the routes there are to be those wanted. */
export interface RouteDiff {
  /** There is none to that destination */
  readonly add: readonly Route[];
  /** There is one that leads elsewhere */
  readonly replace: readonly Route[];
  readonly remove: readonly Route[];
}

/** Numbers where they do in place of what people write: of 8,000 routes each is looked up at every change. */
function keyOf({ address, prefix }: Cidr): number | string {
  return address.family === 4 ? Number(address.value) * 64 + prefix : `${address.value}/${prefix}`;
}

const leadsAsWanted = (there: Route, wanted: Route): boolean =>
  there.gateway?.value === wanted.gateway?.value &&
  there.oif === wanted.oif &&
  there.src?.value === wanted.src?.value &&
  there.mtu === wanted.mtu &&
  there.advmss === wanted.advmss &&
  there.otherMetrics === undefined &&
  there.multipath === undefined &&
  wanted.multipath === undefined;

/** The kernel's own: 0, and of an IPv6 route IP6_RT_PRIO_USER. */
const hasUsualPriority = ({ dst, priority = 0 }: Route): boolean =>
  priority === 0 || (dst.address.family === 6 && priority === 1024);

/** `actual` are the routes of our protocol, in any tables: those of a table that nobody wants any more go. */
export function diffRoutes(wanted: readonly Route[], actual: readonly Route[]): RouteDiff {
  const tables = new Map<number, Map<number | string, Route>>();
  const surplus: Route[] = [];
  for (const route of actual) {
    const known = tables.get(route.table) ?? new Map<number | string, Route>();
    tables.set(route.table, known);
    const key = keyOf(route.dst);
    // One to the same destination with another priority is none of those wanted, and no replacement takes it away.
    if (known.has(key) || !hasUsualPriority(route)) surplus.push(route);
    else known.set(key, route);
  }
  const add: Route[] = [];
  const replace: Route[] = [];
  for (const route of wanted) {
    const known = tables.get(route.table);
    const key = keyOf(route.dst);
    const there = known?.get(key);
    known?.delete(key);
    if (there === undefined) add.push(route);
    else if (!leadsAsWanted(there, route)) replace.push(route);
  }
  const unwanted = [...tables.values()].flatMap((known) => [...known.values()]);
  return { add, replace, remove: [...unwanted, ...surplus] };
}

export interface RuleDiff {
  readonly add: readonly Rule[];
  readonly remove: readonly Rule[];
}

const ruleKey = ({ family, src, table, priority }: Rule): string =>
  `${family} ${src === undefined ? "" : formatCidr(src)} ${table} ${priority}`;

/** `actual` are the rules of our protocol. */
export function diffRules(wanted: readonly Rule[], actual: readonly Rule[]): RuleDiff {
  const known = new Map(actual.map((rule) => [ruleKey(rule), rule]));
  const add = wanted.filter((rule) => !known.delete(ruleKey(rule)));
  return { add, remove: [...known.values()] };
}
