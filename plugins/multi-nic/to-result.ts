import type { Result, ResultRoute } from "../../lib/cni/result.ts";
import { formatAddress, formatCidr, networkOf } from "../../lib/net/address.ts";
import type { Link } from "../../lib/netlink/message/link.ts";
import type { RouteWanted } from "../../lib/route/plan.ts";
import { isLent } from "./device/device.ts";
import type { Plan, PlannedLink } from "./plan.ts";

/** The attachment as a CNI result. In a chain it comes behind what the plugins before it made. */
export function toResult(
  plan: Plan,
  links: readonly Link[],
  sandbox: string,
  prevResult: Result | undefined,
): Result {
  const before = prevResult?.interfaces ?? [];
  const interfaces = links.map(({ name, mac, mtu }, place) => {
    const pciID = pciOf(plan.links[place]);
    return {
      name,
      mtu,
      sandbox,
      ...(mac === undefined ? {} : { mac }),
      ...(pciID === undefined ? {} : { pciID }),
    };
  });
  const ips = plan.links.flatMap(({ addresses }, place) =>
    addresses.map(({ cidr, gateway }) => ({
      address: formatCidr(cidr),
      interface: before.length + place,
      ...(gateway === undefined ? {} : { gateway: formatAddress(gateway) }),
    })),
  );
  return {
    interfaces: [...before, ...interfaces],
    ips: [...(prevResult?.ips ?? []), ...ips],
    routes: [...(prevResult?.routes ?? []), ...plan.wanted.map(resultRoute)],
    dns: Object.keys(plan.dns).length > 0 ? plan.dns : (prevResult?.dns ?? {}),
  };
}

const pciOf = (link: PlannedLink | undefined): string | undefined =>
  link !== undefined && isLent(link) ? link.device.pciID : undefined;

function resultRoute({ dst, gateway, mtu, advmss, priority, table, scope }: RouteWanted): ResultRoute {
  const fields = {
    gw: gateway === undefined ? undefined : formatAddress(gateway),
    mtu,
    advmss,
    priority,
    table,
    scope,
  };
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return { dst: formatCidr(networkOf(dst)), ...Object.fromEntries(given) };
}
