import { containsAddress, formatAddress, networkOf } from "../lib/net/address.ts";
import type { Pod, PodAddress } from "./pod.ts";

/** One question: does the address of `to` answer `from`? */
export interface Probe {
  readonly from: Pod;
  readonly to: Pod;
  /** The address of `from` that asks; undefined: it has none of this family */
  readonly source: string | undefined;
  readonly target: string;
  /** What the target is of */
  readonly at: PodAddress;
  /** Another pod with the target's address, so that an answer would not say whose it is */
  readonly twin?: Pod;
}

/** A probe for every ordered pair of pods and every address of the second; both directions of a pair in a row. */
export function planProbes(pods: readonly Pod[]): Probe[] {
  const held = pods.flatMap((pod) =>
    pod.addresses.map(({ cidr }) => ({ pod, text: formatAddress(cidr.address) })),
  );
  const holders = Map.groupBy(held, ({ text }) => text);
  const probesFrom = (from: Pod, to: Pod): Probe[] =>
    to.addresses.map((at) => {
      const target = formatAddress(at.cidr.address);
      const twin = holders.get(target)?.find(({ pod }) => pod !== to)?.pod;
      const source = sourceFor(at, from.addresses);
      return { from, to, source, target, at, ...(twin === undefined ? {} : { twin }) };
    });
  return pods.flatMap((a, place) =>
    pods.slice(place + 1).flatMap((b) => [...probesFrom(a, b), ...probesFrom(b, a)]),
  );
}

/**
 * The address to ask from, so that each NIC answers for itself: one in the target's network before others, then the one
 * of the NIC at the same place.
 */
export function sourceFor({ nic, cidr }: PodAddress, own: readonly PodAddress[]): string | undefined {
  const ofFamily = own.filter((each) => each.cidr.address.family === cidr.address.family);
  const near = ofFamily.filter((each) => containsAddress(networkOf(each.cidr), cidr.address));
  const among = near.length > 0 ? near : ofFamily;
  const source = among.find((each) => each.nic === nic) ?? among[0];
  return source && formatAddress(source.cidr.address);
}
