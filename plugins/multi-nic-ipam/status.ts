import { CniError, ErrorCode } from "../../lib/cni/error.ts";
import type { Invocation } from "../../lib/cni/invocation.ts";
import type { Block } from "../../lib/ipam/blocks.ts";
import { isNetnsGone } from "../../lib/ipam/reclaim.ts";
import type { StoreReader } from "../../lib/ipam/store.ts";
import { openStore } from "../../lib/ipam/store.ts";
import { statePaths } from "../../lib/linux/paths.ts";
import { formatCidr } from "../../lib/net/address.ts";
import { owner } from "./attachment.ts";
import { readConf } from "./conf.ts";

/** Whether an ADD could be served now. Throws CniError notAvailable with the reason. */
export async function status(invocation: Invocation): Promise<void> {
  const paths = statePaths(invocation.env);
  const { blocks } = available(() => readConf(invocation, paths));
  using store = available(() => openStore(paths));
  // A writer's transaction: a store that can be read only serves no ADD.
  available(() => store.write((tx) => checkFree(tx, invocation.network, blocks.flat())));
}

function available<T>(fn: () => T): T {
  try {
    return fn();
  } catch (error) {
    if (!(error instanceof CniError)) throw error;
    throw new CniError(ErrorCode.notAvailable, error.message, { details: error.details, cause: error });
  }
}

function checkFree(tx: StoreReader, network: string, blocks: readonly Block[]): void {
  const full = blocks.find(
    (block) => tx.freeCount(network, block) === 0n && !isReclaimable(tx, network, block),
  );
  if (full === undefined) return;
  throw new CniError(
    ErrorCode.poolExhausted,
    `no free address in ${formatCidr(full.pod)} (network "${network}", interface ${full.interfaceIndex}); delete ` +
      "pods of this node that hold them, or give the network a larger block",
  );
}

/** Whether ADD would come by an address of the block through what pods left behind that are gone. */
function isReclaimable(tx: StoreReader, network: string, { family, first, last }: Block): boolean {
  const isOfBlock = (id: number) =>
    tx
      .leasesOf(id)
      .some(({ address: { family: of, value } }) => of === family && first <= value && value <= last);
  return tx
    .attachments(network)
    .some((record) => record.owner === owner && isNetnsGone(record) && isOfBlock(record.id));
}
