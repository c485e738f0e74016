import { routesOf } from "../../lib/cluster/former.ts";
import { formatAddress, formatCidr } from "../../lib/net/address.ts";
import { toRoute } from "../../lib/route/host-routes.ts";
import { keyOfRoute } from "../routes/reconcile.ts";
import { mapInSlices } from "../slices.ts";
import type { KeepOptions, State } from "./state.ts";

/** A route as it is: it is there ("ok"), or the kernel did not take it. */
export interface RouteStatus {
  readonly network: string;
  readonly dst: string;
  readonly via: string;
  readonly dev: string;
  readonly host: string;
  /** The block was that host's by a file before, and pods of it may have addresses of it still */
  readonly former?: true;
  readonly state: "ok" | "failed";
  readonly error?: string;
}

export interface ClusterStatus {
  readonly file: string;
  readonly node: string;
  /** What is wrong with the file, or keeps it from being carried out; the one before it is in force then. */
  readonly problems: readonly string[];
  readonly networks: readonly string[];
  readonly routes: readonly RouteStatus[];
  /** Rules that the kernel did not take, and NICs that the file has and the host has not */
  readonly failures: readonly string[];
}

export async function statusOf(
  { plans, former, failures, problems, trouble, actual }: State,
  { file, node }: KeepOptions,
): Promise<ClusterStatus> {
  const refused = new Map(failures.map(({ key, error }) => [key, error]));
  const there = new Set(await mapInSlices(actual.routes, keyOfRoute));
  const planned = plans.flatMap((plan) =>
    routesOf(plan, former).map((route) => [plan.network.name, route] as const),
  );
  const routes = await mapInSlices(planned, ([network, route]): RouteStatus => {
    const key = keyOfRoute(toRoute(network, route));
    const { dev, host } = route;
    const status = {
      network,
      dst: formatCidr(route.dst),
      via: formatAddress(route.gateway),
      dev,
      host,
      ...(route.former ? { former: true as const } : {}),
    };
    const error = refused.get(key);
    if (error !== undefined) return { ...status, state: "failed", error };
    return there.has(key)
      ? { ...status, state: "ok" }
      : { ...status, state: "failed", error: "not there yet" };
  });
  const missing = plans.flatMap(({ network, missing }) =>
    missing.map(
      ({ place, addresses }) =>
        `network ${network.name}: no link has ${addresses.map(formatAddress).join(" or ")}, the address of NIC ${place}`,
    ),
  );
  const rules = failures.filter(({ key }) => key === "").map(({ error }) => error);
  return {
    file,
    node,
    problems: trouble === "" ? problems : [...problems, trouble],
    networks: plans.map(({ network }) => network.name),
    routes,
    failures: [...missing, ...rules],
  };
}
