import { firstAddress } from "./conf.ts";
import type { Hosts } from "./hosts.ts";
import { ipBatch } from "./namespaces.ts";

/** The table of the routes; a rule sends there what comes from the pods. */
const table = 100;

/** The IPv4 block of a host on a NIC (both from 0) in the networks of networkOver. */
export const blockOf = (host: number, nic: number): string =>
  firstAddress(4, nic, host).replace(/\.1\/.*/, ".0/24");

/** What ipvlan l3 needs: on each host, for each NIC, every other host's block by that host's address on the same rail. */
export function addHostRoutes({ hosts }: Hosts): void {
  for (const host of hosts)
    ipBatch(host.host, [
      `rule add from 192.168.0.0/16 lookup ${table}`,
      ...hosts
        .filter((other) => other !== host)
        .flatMap((other) =>
          other.addresses.map(
            (via, nic) =>
              `route add ${blockOf(other.index, nic)} via ${via} dev ${host.masters[nic]} table ${table}`,
          ),
        ),
    ]);
}
