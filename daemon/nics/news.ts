import { isDeepStrictEqual } from "node:util";
import { formatCidr } from "../../lib/net/address.ts";
import type { HostNic } from "../../lib/nic/host-nic.ts";
import type { NicChange } from "../../lib/nic/watch.ts";

/** What a NIC is good for: "no_carrier" is up and has no peer. */
export const nicStates = ["up", "no_carrier", "down"] as const;
export type NicState = (typeof nicStates)[number];

export const stateOf = ({ up, carrier }: Pick<HostNic, "up" | "carrier">): NicState =>
  up ? (carrier ? "up" : "no_carrier") : "down";

/** A line of the log: what happened, and what the NIC is now; of one that changed also what it `was`. */
export interface News {
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What a change of a NIC is to whoever runs the node. */
export function newsOf(change: NicChange): News {
  if (change.type === "changed") return newsOfChanged(change.before, change.nic);
  const nic = change.type === "appeared" ? change.nic : change.before;
  const { state, addresses } = traitsOf(nic);
  return { message: `NIC ${nic.name} ${change.type}`, fields: { nic: nic.name, state, addresses } };
}

function newsOfChanged(before: HostNic, nic: HostNic): News {
  const [was, is] = [traitsOf(before), traitsOf(nic)];
  const differing = Object.keys({ ...was, ...is }).filter((key) => !isDeepStrictEqual(was[key], is[key]));
  const among = (traits: Traits) => Object.fromEntries(differing.map((key) => [key, traits[key]]));
  const state = stateOf(nic);
  return {
    message: `NIC ${before.name} ${state === stateOf(before) ? "changed" : saying[state]}`,
    fields: { nic: before.name, ...among(is), was: among(was) },
  };
}

const saying = { up: "is up", no_carrier: "lost its carrier", down: "went down" } as const;

type Traits = Readonly<Record<string, unknown>>;

function traitsOf({ index, up, carrier, addresses, ...rest }: HostNic): Traits {
  return {
    ...rest,
    state: stateOf({ up, carrier }),
    addresses: addresses.map(formatCidr),
  };
}
