import type { Cidr } from "../net/address.ts";

/** A link of the host that an attachment may use as its master. */
export interface Nic {
  readonly name: string;
  readonly index: number;
  readonly mac: string | undefined;
  /** bytes */
  readonly mtu: number;
  /** Administratively up (IFF_UP). */
  readonly up: boolean;
  /** The lower layer works (IFF_LOWER_UP): a cable is in and the peer answers. */
  readonly carrier: boolean;
  /** Its addresses, link-local ones left out: other hosts cannot route by those. */
  readonly addresses: readonly Cidr[];
  /** A device stands behind it (sysfs `device`), so it is no veth, bridge or tunnel. */
  readonly physical: boolean;
  /** A default route of the main table leaves by it. */
  readonly defaultRoute: boolean;
}

/**
 * "eth2" before "eth10": runs of digits compare as numbers, so that the order is the one people expect.
 * Not Intl.Collator, whose tables cost a process of 20 ms another one.
 */
export function compareNames(a: string, b: string): number {
  const left = runs(a);
  const right = runs(b);
  for (let i = 0; i < left.length && i < right.length; i++) {
    const order = compareRuns(left[i] ?? "", right[i] ?? "");
    if (order !== 0) return order;
  }
  return left.length - right.length || compareText(a, b);
}

const runs = (name: string): string[] => name.match(/\d+|\D+/g) ?? [];
const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function compareRuns(a: string, b: string): number {
  const numbers = /^\d/.test(a) && /^\d/.test(b);
  return numbers ? Number(a) - Number(b) : compareText(a, b);
}
