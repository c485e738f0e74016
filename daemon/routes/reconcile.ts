import { formatCidr } from "../../lib/net/address.ts";
import type { Request } from "../../lib/netlink/codec.ts";
import { NetlinkError } from "../../lib/netlink/error.ts";
import {
  decodeRoute,
  deleteRoute,
  dumpRoutes,
  newRoute,
  type Route,
  replaceRoute,
} from "../../lib/netlink/message/route.ts";
import { decodeRule, deleteRule, dumpRules, newRule, type Rule } from "../../lib/netlink/message/rule.ts";
import type { Netlink } from "../../lib/netlink/socket.ts";
import { diffRoutes, diffRules, hostProtocol } from "../../lib/route/host-routes.ts";
import { mapInSlices } from "../slices.ts";

/** What a host is to have of ours, and nothing else of ours. */
export interface Wanted {
  readonly routes: readonly Route[];
  readonly rules: readonly Rule[];
}

/** A route or rule that the kernel did not take, or not let go of. */
export interface Failure {
  /** What was asked of it */
  readonly what: string;
  readonly error: string;
  /** "<table> <dst>" of a route, "" of a rule */
  readonly key: string;
}

export interface Reconciled {
  /** How many requests it took; 0 where all was right */
  readonly changes: number;
  readonly failures: readonly Failure[];
  /** Ours, as they are now */
  readonly actual: Wanted;
}

/** Ours of a namespace, as the kernel has them. */
export async function readOurs(netlink: Netlink): Promise<Wanted> {
  const routes: Route[] = [];
  const rules: Rule[] = [];
  for (const family of [4, 6] as const) {
    const [messages = []] = await netlink.request([dumpRoutes(undefined, family)]);
    const ofOurs = messages.filter(({ body }) => body[5] === hostProtocol);
    routes.push(...(await mapInSlices(ofOurs, decodeRoute)));
    const [ofRules = []] = await netlink.request([dumpRules(family)]);
    rules.push(...ofRules.map(decodeRule).filter(({ protocol }) => protocol === hostProtocol));
  }
  return { routes, rules };
}

export const keyOfRoute = ({ table, dst }: Route): string => `${table} ${formatCidr(dst)}`;

/**
 * Makes what is there what is wanted, and touches nothing that is right. `actual` is what is known to be there. Routes
 * come before the rules that lead to them, and go after these. What the kernel refuses is a failure of its own, not of the rest.
 */
export async function reconcile(netlink: Netlink, wanted: Wanted, actual: Wanted): Promise<Reconciled> {
  const routes = diffRoutes(wanted.routes, actual.routes);
  const rules = diffRules(wanted.rules, actual.rules);
  const steps: Step[] = [
    ...routes.add.map((route) => ofRoute(route, newRoute)),
    ...routes.replace.map((route) => ofRoute(route, replaceRoute)),
    ...rules.add.map((rule) => ({ request: () => newRule(rule), key: () => "", deletes: false })),
    ...rules.remove.map((rule) => ({ request: () => deleteRule(rule), key: () => "", deletes: true })),
    ...routes.remove.map((route) => ofRoute(route, deleteRoute)),
  ];
  if (steps.length === 0) return { changes: 0, failures: [], actual };
  const failures = await carryOut(netlink, steps);
  // What failed is found out by looking, not by guessing.
  const now = failures.length > 0 ? await readOurs(netlink) : wanted;
  return { changes: steps.length, failures, actual: now };
}

interface Step {
  readonly request: () => Request;
  readonly key: () => string;
  readonly deletes: boolean;
}

const ofRoute = (route: Route, request: (route: Route) => Request): Step => ({
  request: () => request(route),
  key: () => keyOfRoute(route),
  deletes: request === deleteRoute,
});

/** What is gone already when it is deleted is as it should be. What is there when it is added may be somebody else's. */
const gone = new Set(["ESRCH", "ENOENT"]);

async function carryOut(netlink: Netlink, steps: readonly Step[]): Promise<Failure[]> {
  const requests = await mapInSlices(steps, ({ request }) => request());
  try {
    await netlink.request(requests);
    return [];
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error;
    const refusals = [error, ...error.others];
    return refusals
      .filter(({ code, index }) => !(gone.has(code) && steps[index]?.deletes))
      .map((refusal) => ({
        what: refusal.request,
        error: refusal.message,
        key: steps[refusal.index]?.key() ?? "",
      }));
  }
}
