import type { Cidr } from "../lib/net/address.ts";

/** One address of a pod, on one of its NICs. */
export interface PodAddress {
  /** Place of the NIC in its attachment */
  readonly nic: number;
  readonly ifname?: string;
  /** The host's NIC below */
  readonly master?: string;
  readonly cidr: Cidr;
}

export interface Pod {
  readonly name: string;
  /** Path of its network namespace */
  readonly netns: string;
  readonly addresses: readonly PodAddress[];
  /** Why nothing can be asked of it */
  readonly missing?: string;
}

/** The pods of a network, which should all reach each other. */
export interface Network {
  readonly name: string;
  readonly pods: readonly Pod[];
}
