import type { Invocation } from "../../lib/cni/invocation.ts";
import type { AttachmentKey, AttachmentRecord } from "../../lib/ipam/record.ts";
import type { StoreReader } from "../../lib/ipam/store.ts";

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
