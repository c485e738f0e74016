import type { Dns } from "../../../lib/cni/result.ts";
import type { Cidr, IpAddress } from "../../../lib/net/address.ts";
import type { RouteWanted } from "../../../lib/route/plan.ts";

/** What an IPAM answered, told apart by NIC. */
export interface Addressing {
  /** One entry for each NIC, in their order. */
  readonly nics: readonly NicAddress[][];
  readonly routes: readonly RouteWanted[];
  readonly dns: Dns;
}

export interface NicAddress {
  readonly cidr: Cidr;
  readonly gateway?: IpAddress | undefined;
}

export function noAddresses(nics: number): Addressing {
  return { nics: Array.from({ length: nics }, () => []), routes: [], dns: {} };
}
