import { kindName } from "../netlink/kind/kinds.ts";
import type { Link } from "../netlink/message/link.ts";

/** The kinds of links that are over NICs, and are NICs as those are. */
export type OverKind = "vlan" | "bond";

/** "vlan" or "bond"; undefined for links that are over none. */
export function overKind({ kind }: Link): OverKind | undefined {
  const name = kindName(kind);
  return name === "vlan" || name === "bond" ? name : undefined;
}

/** Those of the links that a VLAN or a bond is over; none for any other link. */
export function lowersOf(link: Link, links: ReadonlyMap<number, Link>): Link[] {
  const over = overKind(link);
  if (over === "bond") return [...links.values()].filter(({ master }) => master === link.index);
  // With a netnsid the link below is in another namespace.
  if (over === undefined || link.link === undefined || link.linkNetnsid !== undefined) return [];
  const below = links.get(link.link);
  return below === undefined ? [] : [below];
}
