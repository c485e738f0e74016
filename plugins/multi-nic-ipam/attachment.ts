import { CniError, ErrorCode } from "../../lib/cni/error.ts";
import type { Invocation } from "../../lib/cni/invocation.ts";
import type { AttachmentKey, AttachmentRecord, Lease } from "../../lib/ipam/record.ts";
import type { StoreReader } from "../../lib/ipam/store.ts";
import { formatCidr } from "../../lib/net/address.ts";

/** `owner` of our records. Those of multi-nic in the same store have links, and multi-nic alone undoes them. */
export const owner = "multi-nic-ipam";

export function keyOf({ network, containerId, ifname }: Invocation): AttachmentKey {
  return { network, containerId, ifname };
}

/** Our record of this attachment. */
export function findOwn(reader: StoreReader, invocation: Invocation): AttachmentRecord | undefined {
  const record = reader.find(keyOf(invocation));
  return record?.owner === owner ? record : undefined;
}

/** "192.168.1.1/19" */
export const cidrText = ({ address, prefix }: Lease): string => formatCidr({ address, prefix });

/** What ADD gave, as the plan of our records: `{"addresses":["192.168.1.1/19"]}`. So CHECK misses a lease that is gone. */
export const encodeGiven = (leases: readonly Lease[]): string =>
  JSON.stringify({ addresses: leases.map(cidrText) });

/** The inverse; none of a record without, as older releases made it. @throws CniError io where it is damaged */
export function givenOf({ plan, containerId, ifname, network }: AttachmentRecord): string[] {
  if (plan === "") return [];
  try {
    const { addresses } = JSON.parse(plan);
    if (Array.isArray(addresses) && addresses.every((each) => typeof each === "string")) return addresses;
  } catch {
    // Said below.
  }
  throw new CniError(
    ErrorCode.io,
    `the addresses of container "${containerId}", interface "${ifname}" of network "${network}" are damaged in the ` +
      "state database; attach it anew",
  );
}
