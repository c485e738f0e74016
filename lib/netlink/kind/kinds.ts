import {
  type Attribute,
  type Attributes,
  bareText,
  decodeAttributes,
  nest,
  optional,
  readText,
} from "../codec.ts";
import { IFLA_INFO_DATA, IFLA_INFO_KIND } from "../constants.ts";
import { decodeIpvlan, encodeIpvlan, type Ipvlan } from "./ipvlan.ts";
import { decodeMacvlan, encodeMacvlan, type Macvlan } from "./macvlan.ts";
import { decodeVlan, encodeVlan, type Vlan } from "./vlan.ts";

/** A kind of link that we make. */
export type NewLinkKind = Ipvlan | Macvlan | Vlan;

/** A kind of link as read: one we make, or the name of another ("veth", or "macvlan" in a mode we do not make). */
export type LinkKind = NewLinkKind | { readonly kind: "other"; readonly name: string };

interface KindCodec<K extends NewLinkKind> {
  encode(kind: K): Attribute[];
  /** undefined where the link has a setting that we do not make */
  decode(attributes: Attributes): K | undefined;
}

const kinds: { readonly [Name in NewLinkKind["kind"]]: KindCodec<Extract<NewLinkKind, { kind: Name }>> } = {
  ipvlan: { encode: encodeIpvlan, decode: decodeIpvlan },
  macvlan: { encode: encodeMacvlan, decode: decodeMacvlan },
  vlan: { encode: encodeVlan, decode: decodeVlan },
};

/** What IFLA_LINKINFO holds for a link of that kind. */
export function encodeKind<K extends NewLinkKind>(kind: K): Attribute[] {
  const codec = kinds[kind.kind] as unknown as KindCodec<K>;
  return [bareText(IFLA_INFO_KIND, kind.kind), nest(IFLA_INFO_DATA, codec.encode(kind))];
}

/** The inverse of encodeKind, for any kind. Throws CodecError. */
export function decodeKind(info: Attributes): LinkKind {
  const name = optional(info, IFLA_INFO_KIND, readText) ?? "";
  const attributes = optional(info, IFLA_INFO_DATA, (value) => decodeAttributes(value)) ?? new Map();
  const known = isOurs(name) ? kinds[name].decode(attributes) : undefined;
  return known ?? { kind: "other", name };
}

/** "macvlan", "veth"; undefined for a link that has no kind: a physical one, or loopback. */
export const kindName = (kind: LinkKind | undefined): string | undefined =>
  kind?.kind === "other" ? kind.name : kind?.kind;

function isOurs(name: string): name is NewLinkKind["kind"] {
  return Object.hasOwn(kinds, name);
}
