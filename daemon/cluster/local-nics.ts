import type { LocalNic } from "../../lib/cluster/host-plan.ts";
import { formatAddress } from "../../lib/net/address.ts";
import type { HostNic } from "../../lib/nic/host-nic.ts";

/** Those NICs that have one of these addresses. */
export function localNics(nics: readonly HostNic[], wanted: ReadonlySet<string>): LocalNic[] {
  return nics
    .filter(({ addresses }) => addresses.some(({ address }) => wanted.has(formatAddress(address))))
    .map(({ name, index, addresses }) => ({ name, index, addresses }));
}
