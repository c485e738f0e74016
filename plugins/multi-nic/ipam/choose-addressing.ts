import { CniError, ErrorCode } from "../../../lib/cni/error.ts";
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
  if (ipam.mode === "host") {
    const own = addressesOfNics(nics);
    return () => own;
  }
  const fixed = ipam.mode === "static" ? dealStatic(ipam.static, nics.length) : noAddresses(nics.length);
  return () => fixed;
}

function addressesOfNics(nics: readonly SelectedNic[]): Addressing {
  const without = nics.find(({ nic }) => nic.addresses.length === 0);
  if (without === undefined) {
    return { ...noAddresses(0), nics: nics.map(({ nic }) => nic.addresses.map((cidr) => ({ cidr }))) };
  }
  throw new CniError(
    ErrorCode.invalidConfig,
    `ipam.type: host-device-ipam gives the pod the addresses of its NICs, and ${without.nic.name} has none on this host; give it one, or use another IPAM`,
  );
}
