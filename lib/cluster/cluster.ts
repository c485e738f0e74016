import type { PoolConf } from "../ipam/blocks.ts";
import type { Cidr, IpAddress } from "../net/address.ts";

/** What a cluster file says, checked. */
export interface Cluster {
  readonly networks: readonly ClusterNetwork[];
  readonly hosts: readonly ClusterHost[];
}

/** A network of NICs, as a MultiNicNetwork describes it. */
export interface ClusterNetwork {
  readonly name: string;
  readonly pool: Omit<PoolConf, "hostIndex">;
  /** Networks whose NICs it is over; all NICs where there are none */
  readonly masterNets: readonly Cidr[];
  /** Whether hosts need routes to each other's blocks: ipvlan in the modes l3 and l3s */
  readonly routed: boolean;
}

export interface ClusterHost {
  readonly name: string;
  /** Its number in every network */
  readonly index: number;
  /** The addresses of its NICs, by their places: at most one a family; none where it lacks the NIC */
  readonly nics: readonly (readonly IpAddress[])[];
}

/** What is wrong with a cluster file: all of it, each with its place. */
export class ClusterError extends Error {
  override readonly name = "ClusterError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }
}
