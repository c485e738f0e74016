import { CniError, ErrorCode } from "../../../lib/cni/error.ts";
import type { Invocation } from "../../../lib/cni/invocation.ts";
import { type Block, computeBlocks } from "../../../lib/ipam/blocks.ts";
import type { NodeFile } from "../../../lib/ipam/node-file.ts";
import { type PoolSettings, parsePool, poolOfHost } from "../../../lib/ipam/pool-conf.ts";
import type { AttachmentRecord, Lease } from "../../../lib/ipam/record.ts";
import { leaseRequests, requestedAddresses } from "../../../lib/ipam/requested.ts";
import type { Store, StoreTx } from "../../../lib/ipam/store.ts";
import { networkFile, statePaths } from "../../../lib/linux/paths.ts";
import { containsAddress, formatCidr } from "../../../lib/net/address.ts";
import type { SelectedNic } from "../../../lib/nic/offer.ts";
import { isAbandoned } from "../abandoned.ts";
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
  nics: readonly Pick<SelectedNic, "interfaceIndex">[],
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
export async function requireFreeAddresses(
  store: Store,
  invocation: Invocation,
  nics: readonly Pick<SelectedNic, "interfaceIndex">[],
  nodeFile: NodeFile | undefined,
): Promise<void> {
  const blocks = blocksOf(parsePool(invocation.conf), invocation, nics, nodeFile).flat();
  const taken = store.read((tx) => blocks.filter((block) => tx.freeCount(invocation.network, block) === 0n));
  if (taken.length === 0) return;
  const reclaimable = await reclaimableLeases(store, invocation);
  const full = taken.filter((block) => !reclaimable.some((lease) => isOf(block, lease)));
  if (full.length === 0) return;
  throw new CniError(
    ErrorCode.poolExhausted,
    `no free address in ${full.map(({ pod }) => formatCidr(pod)).join(", ")} (network "${invocation.network}"); delete pods of this node that hold them, or give the network a larger subnet`,
  );
}

/** What ADD would come by where it finds no address: what pods left behind that are gone. */
async function reclaimableLeases(store: Store, invocation: Invocation): Promise<Lease[]> {
  const abandoned: AttachmentRecord[] = [];
  for (const record of store.read((tx) => tx.attachments(invocation.network)))
    if (await isAbandoned(record, invocation)) abandoned.push(record);
  return store.read((tx) => abandoned.flatMap(({ id }) => tx.leasesOf(id)));
}

const isOf = ({ family, first, last }: Block, { address }: Lease): boolean =>
  address.family === family && first <= address.value && address.value <= last;
