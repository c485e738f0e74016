import * as z from "zod/mini";
import type { Invocation } from "../../lib/cni/invocation.ts";
import { parseConf } from "../../lib/cni/netconf.ts";
import type { Block } from "../../lib/ipam/blocks.ts";
import { computeBlocks } from "../../lib/ipam/blocks.ts";
import { type NodeFile, readNodeFile } from "../../lib/ipam/node-file.ts";
import type { PoolSettings } from "../../lib/ipam/pool-conf.ts";
import { interfaceIndexes, parsePool, poolOfHost } from "../../lib/ipam/pool-conf.ts";
import type { StatePaths } from "../../lib/linux/paths.ts";
import { networkFile } from "../../lib/linux/paths.ts";

/** What a main plugin of several NICs puts beside `ipam`. */
const MastersConf = z.looseObject({ masters: z.optional(z.array(z.string())) });

/** A configuration of multi-nic-ipam, with the node file, as blocks to take addresses from. */
export interface IpamConf {
  readonly settings: PoolSettings;
  readonly nodeFile: NodeFile | undefined;
  /** Whether the addresses are told apart by NIC, as a main plugin that names its masters wants them. */
  readonly perMaster: boolean;
  /** For each NIC one block of each subnet. */
  readonly blocks: readonly (readonly Block[])[];
}

/** @throws CniError naming the key, the value and the remedy */
export function readConf({ conf, network }: Invocation, paths: StatePaths): IpamConf {
  const settings = parsePool(conf);
  const { masters = [] } = parseConf(MastersConf, conf);
  const nodeFile = readNodeFile(paths, network);
  const pool = poolOfHost(settings, nodeFile, networkFile(paths, network));
  const perMaster = masters.length > 0;
  const indexes = perMaster ? interfaceIndexes(masters, nodeFile) : [settings.interfaceIndex];
  return { settings, nodeFile, perMaster, blocks: computeBlocks(pool, indexes) };
}
