import { type Attribute, type Attributes, optional, readU16, u16 } from "../codec.ts";

// enum of if_link.h
const IFLA_VLAN_ID = 1;
const IFLA_VLAN_PROTOCOL = 5;

/** ETH_P_8021Q, which is in network byte order there. */
const dot1q = 0x0081;

/** A VLAN sub-interface, of 802.1Q. A master has one link of an id, in all namespaces together. */
export interface Vlan {
  readonly kind: "vlan";
  /** 1 to 4094 */
  readonly id: number;
}

/** IFLA_INFO_DATA of a VLAN. */
export function encodeVlan(vlan: Vlan): Attribute[] {
  return [u16(IFLA_VLAN_ID, vlan.id)];
}

/** The inverse of encodeVlan; undefined for one of 802.1ad. */
export function decodeVlan(attributes: Attributes): Vlan | undefined {
  const id = optional(attributes, IFLA_VLAN_ID, readU16);
  const protocol = optional(attributes, IFLA_VLAN_PROTOCOL, readU16) ?? dot1q;
  return id === undefined || protocol !== dot1q ? undefined : { kind: "vlan", id };
}
