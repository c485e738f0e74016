import { CniError, ErrorCode } from "../../../lib/cni/error.ts";
import type { ResultRoute } from "../../../lib/cni/result.ts";
import { parseAddress, parseCidr } from "../../../lib/net/address.ts";
import type { RouteWanted } from "../../../lib/route/plan.ts";

/** Routes as text (of a configuration or a delegate's result) → values. `nic`: the place of the NIC they came for. */
export function wantedRoutes(key: string, routes: readonly ResultRoute[], nic?: number): RouteWanted[] {
  return routes.map((route, i) => ({
    dst: parsed(`${key}[${i}].dst`, route.dst, parseCidr),
    gateway: route.gw ? parsed(`${key}[${i}].gw`, route.gw, parseAddress) : undefined,
    nic,
    mtu: route.mtu,
    advmss: route.advmss,
    priority: route.priority,
    table: route.table,
    scope: route.scope,
  }));
}

function parsed<T>(key: string, text: string, parse: (text: string) => T): T {
  try {
    return parse(text);
  } catch (error) {
    throw new CniError(
      ErrorCode.invalidConfig,
      `${key}: ${error instanceof Error ? error.message : String(error)}`,
      {
        cause: error,
      },
    );
  }
}
