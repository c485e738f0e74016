import type { JsonObject } from "../../lib/cni/json.ts";

export type Family = 4 | 6;

/** Divided into 8 NICs and, in IPv4, 32 hosts: /19 a NIC, /24 a host; /51 and /56 in IPv6. */
const subnets = { 4: "192.168.0.0/16", 6: "fd10::/48" } as const;
const bits = { interfaceBlock: 3, hostBlock: 5 } as const;

/** The first address that a NIC's block gives on a host, with its prefix length; the block's first is reserved. */
export function firstAddress(family: Family, nic: number, host = 1): string {
  if (family === 4) return `192.168.${nic * 32 + host}.1/19`;
  return `fd10:0:0:${(nic * 0x2000 + host * 0x100).toString(16)}::1/51`.replace(":0::", "::");
}

/** An `ipam` section and its subnet. */
export const pool = (families: readonly Family[] = [4], more: JsonObject = {}): JsonObject => ({
  subnet: families.map((family) => subnets[family]),
  ipam: { type: "multi-nic-ipam", ...bits, hostIndex: 1, ...more },
});

/** A configuration of multi-nic with macvlans, of the newest version. Later fields stand in for earlier ones. */
export const conf = (...more: readonly JsonObject[]): JsonObject =>
  Object.assign(
    { cniVersion: "1.1.0", name: "n1", type: "multi-nic", plugin: { type: "macvlan" }, ...pool() },
    ...more,
  );
