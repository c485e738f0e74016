import { type Attribute, type Attributes, optional, readU16, u16 } from "../codec.ts";

// enum, IPVLAN_MODE_* and IPVLAN_F_* of if_link.h
const IFLA_IPVLAN_MODE = 1;
const IFLA_IPVLAN_FLAGS = 2;

/** IPVLAN_MODE_* */
export const ipvlanModes = { l2: 0, l3: 1, l3s: 2 } as const;

/** IPVLAN_F_*; bridge is neither of the other two. */
export const ipvlanFlags = { bridge: 0, private: 1, vepa: 2 } as const;

export interface Ipvlan {
  readonly kind: "ipvlan";
  readonly mode: keyof typeof ipvlanModes;
  readonly flag: keyof typeof ipvlanFlags;
}

/** IFLA_INFO_DATA of an ipvlan. */
export function encodeIpvlan(ipvlan: Ipvlan): Attribute[] {
  return [u16(IFLA_IPVLAN_MODE, ipvlanModes[ipvlan.mode]), u16(IFLA_IPVLAN_FLAGS, ipvlanFlags[ipvlan.flag])];
}

/** The inverse of encodeIpvlan; undefined for a mode or flag that is in neither table. */
export function decodeIpvlan(attributes: Attributes): Ipvlan | undefined {
  const modeNumber = optional(attributes, IFLA_IPVLAN_MODE, readU16);
  const flagNumber = optional(attributes, IFLA_IPVLAN_FLAGS, readU16) ?? 0;
  const mode = modeNames.find((name) => ipvlanModes[name] === modeNumber);
  const flag = flagNames.find((name) => ipvlanFlags[name] === flagNumber);
  return mode === undefined || flag === undefined ? undefined : { kind: "ipvlan", mode, flag };
}

const modeNames = Object.keys(ipvlanModes) as (keyof typeof ipvlanModes)[];
const flagNames = Object.keys(ipvlanFlags) as (keyof typeof ipvlanFlags)[];
