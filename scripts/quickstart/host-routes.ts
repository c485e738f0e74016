import { computeBlocks } from "../../lib/ipam/blocks.ts";
import { parsePool, poolOfHost } from "../../lib/ipam/pool-conf.ts";
import { formatCidr } from "../../lib/net/address.ts";
import { ip } from "./command.ts";
import type { Template } from "./template.ts";
import type { Host } from "./topology.ts";

/** A route of a host to the block that another host has for one of its NICs. */
export interface HostRoute {
  readonly host: string;
  readonly dst: string;
  readonly via: string;
  readonly dev: string;
}

/** The table of the network's routes on each host; its rule sends there what comes from the pods. */
const table = 100;

/**
 * What ipvlan in L3 modes needs on every host: each other host's block of a NIC by that host's address on the same
 * switch. None for the kinds whose pods reach each other on the switch itself.
 */
export function planHostRoutes({ conf, link }: Template, hosts: readonly Host[]): HostRoute[] {
  if (!link.startsWith("ipvlan l3")) return [];
  const settings = parsePool(conf);
  return hosts.flatMap((from) =>
    hosts
      .filter((to) => to !== from)
      .flatMap((to) => {
        const pool = poolOfHost(settings, { hostIndex: to.hostIndex }, "");
        const blocks = computeBlocks(
          pool,
          to.nics.map((_, index) => index),
        );
        return to.nics.flatMap((nic, index) =>
          (blocks[index] ?? []).map(({ pod }) => ({
            host: from.name,
            dst: formatCidr(pod),
            via: nic.address,
            dev: nic.name,
          })),
        );
      }),
  );
}

/** Gives the hosts these routes, in a table of their own that holds for what the pods send. */
export async function addHostRoutes({ conf }: Template, routes: readonly HostRoute[]): Promise<void> {
  for (const host of new Set(routes.map((route) => route.host))) {
    const own = routes.filter((route) => route.host === host);
    await ip(host, [
      `rule add from ${conf.subnet} lookup ${table}`,
      ...own.map(({ dst, via, dev }) => `route add ${dst} via ${via} dev ${dev} table ${table}`),
    ]);
  }
}
