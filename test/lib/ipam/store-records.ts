import type { Block, PoolConf } from "../../../lib/ipam/blocks.ts";
import { computeBlocks } from "../../../lib/ipam/blocks.ts";
import type { NewAttachment } from "../../../lib/ipam/record.ts";
import { parseCidr } from "../../../lib/net/address.ts";

export function attachment(containerId: string, change: Partial<NewAttachment> = {}): NewAttachment {
  return {
    network: "net",
    containerId,
    ifname: "net1",
    owner: "multi-nic-ipam",
    netns: "",
    netnsId: "",
    state: "ready",
    pid: 1,
    pidStart: "",
    plan: "",
    created: 0,
    ...change,
  };
}

/** The block of the first NIC of host 0, in an undivided subnet. */
export function blockOf(subnet: string, excludes: readonly string[] = []): Block {
  const pool: PoolConf = {
    subnets: [parseCidr(subnet)],
    interfaceBlock: 0,
    hostBlock: 0,
    excludes: excludes.map(parseCidr),
    hostIndex: 0,
  };
  const block = computeBlocks(pool, [0])[0]?.[0];
  if (block === undefined) throw new Error(`no block of ${subnet}`);
  return block;
}
