import type { Invocation } from "../../../lib/cni/invocation.ts";
import type { NodeFile } from "../../../lib/ipam/node-file.ts";
import type { StoreTx } from "../../../lib/ipam/store.ts";
import type { SelectedNic } from "../../../lib/nic/offer.ts";
import { type Addressing, noAddresses } from "./addressing.ts";
import type { IpamConf } from "./conf.ts";
import { ownAddressing } from "./own.ts";
import { dealStatic } from "./static.ts";

/** How an attachment gets its addresses: as a step of the transaction that records it. */
export function addressingFor(
  ipam: IpamConf,
  invocation: Invocation,
  nics: readonly SelectedNic[],
  nodeFile: NodeFile | undefined,
): (tx: StoreTx, id: number) => Addressing {
  if (ipam.mode === "own") return ownAddressing(invocation, nics, nodeFile);
  const fixed = ipam.mode === "static" ? dealStatic(ipam.static, nics.length) : noAddresses(nics.length);
  return () => fixed;
}
