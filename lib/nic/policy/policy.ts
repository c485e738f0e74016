import type { HostNic } from "../host-nic.ts";
import type { SelectedNic } from "../offer.ts";
import type { DeviceClass } from "./device-class.ts";
import type { Topology } from "./distance.ts";

export const strategies = ["none", "devClass", "topology", "costOpt", "perfOpt"] as const;
export type Strategy = (typeof strategies)[number];

/** What decides which of a network's NICs a pod gets, all of it known. */
export interface Policy {
  readonly strategy: Strategy;
  /** Mbit/s: of costOpt and perfOpt */
  readonly target?: number;
  /** Only NICs of this class. */
  readonly deviceClass?: DeviceClass;
  /** Of topology. */
  readonly topology?: Topology;
  /** How many the pod asks for. */
  readonly nics?: number;
  /** Why a NIC needs an address ("plugin.mode l3"); absent where it needs none */
  readonly addressFor?: string;
  /** Attachments by the name of their master. */
  readonly load: ReadonlyMap<string, number>;
}

/** What a policy says of one NIC. */
export interface Ruling {
  readonly nic: SelectedNic<HostNic>;
  /** Whether it is chosen, could have been, or is left out. */
  readonly verdict: "chosen" | "spare" | "left out";
  readonly reason: string;
}

export interface Ruled {
  /** Chosen ones first, in the policy's order of preference; then what is spare, then what is left out. */
  readonly rulings: readonly Ruling[];
  /** Why the pod cannot be served: key, value and remedy. */
  readonly refusal?: string;
}
