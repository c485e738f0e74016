import type { Database } from "./database.ts";
import { fromHex } from "./occupancy.ts";
import { sizeOf } from "./range.ts";

/** How many addresses of a network this node has given out, and how many it has in all. */
export interface Usage {
  readonly network: string;
  readonly family: 4 | 6;
  readonly leases: number;
  /** Of the blocks that addresses were taken from so far; it may be past 2^53 */
  readonly addresses: bigint;
}

/** By network and family, in their order. */
export function usage(db: Database): Usage[] {
  const pools = new Map<string, bigint>();
  for (const { network, family, block } of db.all("SELECT network, family, block FROM cursors")) {
    const key = `${network} ${family}`;
    pools.set(key, (pools.get(key) ?? 0n) + sizeOfBlock(String(block)));
  }
  return db
    .all(
      "SELECT networks.name AS name, cursors.network AS network, cursors.family AS family, " +
        "(SELECT count(*) FROM leases WHERE leases.network = cursors.network AND leases.family = cursors.family) " +
        "AS leases FROM cursors JOIN networks ON networks.id = cursors.network " +
        "GROUP BY cursors.network, cursors.family ORDER BY name, family",
    )
    .map(({ name, network, family, leases }) => ({
      network: String(name),
      family: family === 4 ? 4 : 6,
      leases: Number(leases),
      addresses: pools.get(`${network} ${family}`) ?? 0n,
    }));
}

/** `block` of the cursors: "<first>-<last>". */
function sizeOfBlock(text: string): bigint {
  const [first = "", last = ""] = text.split("-");
  return sizeOf([{ first: fromHex(first), last: fromHex(last) }]);
}
