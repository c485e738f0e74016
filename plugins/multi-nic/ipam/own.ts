import { CniError, ErrorCode } from "../../../lib/cni/error.ts";
import type { Invocation } from "../../../lib/cni/invocation.ts";
import { type Block, computeBlocks } from "../../../lib/ipam/blocks.ts";
import type { NodeFile } from "../../../lib/ipam/node-file.ts";
import { type PoolSettings, parsePool, poolOfHost } from "../../../lib/ipam/pool-conf.ts";
import { isAbandoned } from "../../../lib/ipam/reclaim.ts";
import type { Lease } from "../../../lib/ipam/record.ts";
import { leaseRequests, requestedAddresses } from "../../../lib/ipam/requested.ts";
import type { Store, StoreReader, StoreTx } from "../../../lib/ipam/store.ts";
import { networkFile, statePaths } from "../../../lib/linux/paths.ts";
import { containsAddress, formatCidr } from "../../../lib/net/address.ts";
import type { SelectedNic } from "../../../lib/nic/offer.ts";
import type { Addressing, NicAddress } from "./addressing.ts";
import { wantedRoutes } from "./wanted-routes.ts";

/** What multi-nic-ipam does, in this process: one address of each family for each NIC, each from the NIC's own block. */
export function ownAddressing(
  invocation: Invocation,
  nics: readonly SelectedNic[],
  nodeFile: NodeFile | undefined,
): (tx: StoreTx, id: number) => Addressing {
  const settings = parsePool(invocation.conf);
  const requests = leaseRequests(
    blocksOf(settings, invocation, nics, nodeFile),
    requestedAddresses(invocation),
  );
  return (tx, id) =>
    toAddressing(tx.allocate(id, requests, Date.now(), settings.coolDown), nics.length, settings);
}

function blocksOf(
  settings: PoolSettings,
  { network, env }: Invocation,
  nics: readonly SelectedNic[],
  nodeFile: NodeFile | undefined,
): Block[][] {
  const pool = poolOfHost(settings, nodeFile, networkFile(statePaths(env), network));
  return computeBlocks(
    pool,
    nics.map(({ interfaceIndex }) => interfaceIndex),
  );
}

function toAddressing(
  leases: readonly Lease[],
  nics: number,
  { gateways, routes, dns }: PoolSettings,
): Addressing {
  const withGateway = ({ address, prefix }: Lease): NicAddress => {
    const cidr = { address, prefix };
    return { cidr, gateway: gateways.find((gateway) => containsAddress(cidr, gateway)) };
  };
  return {
    nics: Array.from({ length: nics }, (_, place) =>
      leases.filter(({ nic }) => nic === place).map(withGateway),
    ),
    routes: wantedRoutes("ipam.routes", routes),
    dns,
  };
}

/** @throws CniError poolExhausted, where a block of these NICs has no address left, nor one of a pod that is gone */
export function requireFreeAddresses(
  store: Store,
  invocation: Invocation,
  nics: readonly SelectedNic[],
  nodeFile: NodeFile | undefined,
): void {
  const blocks = blocksOf(parsePool(invocation.conf), invocation, nics, nodeFile).flat();
  const full = store.read((tx) =>
    blocks.filter(
      (block) => tx.freeCount(invocation.network, block) === 0n && !isReclaimable(tx, block, invocation),
    ),
  );
  if (full.length === 0) return;
  throw new CniError(
    ErrorCode.poolExhausted,
    `no free address in ${full.map(({ pod }) => formatCidr(pod)).join(", ")} (network "${invocation.network}"); delete pods of this node that hold them, or give the network a larger subnet`,
  );
}

/** Whether ADD would come by an address of the block through what pods left behind that are gone. */
function isReclaimable(tx: StoreReader, block: Block, { network }: Invocation): boolean {
  const isOfBlock = ({ address: { family, value } }: Lease) =>
    family === block.family && block.first <= value && value <= block.last;
  return tx
    .attachments(network)
    .some((record) => isAbandoned(record) && tx.leasesOf(record.id).some(isOfBlock));
}
