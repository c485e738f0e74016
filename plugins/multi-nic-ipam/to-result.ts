import type { Result, ResultIp } from "../../lib/cni/result.ts";
import type { Lease } from "../../lib/ipam/record.ts";
import { containsAddress, formatAddress, formatCidr } from "../../lib/net/address.ts";
import type { IpamConf } from "./conf.ts";

/** The leases as a main plugin takes them: with the gateway of their network, where one is configured. */
export function toResult({ settings, perMaster }: IpamConf, leases: readonly Lease[]): Result {
  return {
    interfaces: [],
    ips: leases.map((lease) => toIp(lease, settings.gateways, perMaster)),
    routes: settings.routes,
    dns: settings.dns,
  };
}

function toIp(
  { nic, address, prefix }: Lease,
  gateways: IpamConf["settings"]["gateways"],
  perMaster: boolean,
): ResultIp {
  const cidr = { address, prefix };
  const gateway = gateways.find((candidate) => containsAddress(cidr, candidate));
  return {
    address: formatCidr(cidr),
    ...(gateway === undefined ? {} : { gateway: formatAddress(gateway) }),
    ...(perMaster ? { interface: nic } : {}),
  };
}
