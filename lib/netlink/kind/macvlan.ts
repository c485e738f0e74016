import { type Attribute, type Attributes, optional, readU32, u32 } from "../codec.ts";

// enum and MACVLAN_MODE_* of if_link.h
const IFLA_MACVLAN_MODE = 1;
const IFLA_MACVLAN_BC_QUEUE_LEN = 7;

/** MACVLAN_MODE_*: those a pod's link may have. "source" is not among them. */
export const macvlanModes = { private: 1, vepa: 2, bridge: 4, passthru: 8 } as const;

export interface Macvlan {
  readonly kind: "macvlan";
  readonly mode: keyof typeof macvlanModes;
  /** Length of the master's broadcast queue, in packets; the kernel's default is 1000. */
  readonly bcqueuelen?: number;
}

/** IFLA_INFO_DATA of a macvlan. */
export function encodeMacvlan(macvlan: Macvlan): Attribute[] {
  const mode = u32(IFLA_MACVLAN_MODE, macvlanModes[macvlan.mode]);
  return macvlan.bcqueuelen === undefined
    ? [mode]
    : [u32(IFLA_MACVLAN_BC_QUEUE_LEN, macvlan.bcqueuelen), mode];
}

/** The inverse of encodeMacvlan; undefined for a mode that is not in macvlanModes. */
export function decodeMacvlan(attributes: Attributes): Macvlan | undefined {
  const number = optional(attributes, IFLA_MACVLAN_MODE, readU32);
  const mode = modeNames.find((name) => macvlanModes[name] === number);
  if (mode === undefined) return undefined;
  const bcqueuelen = optional(attributes, IFLA_MACVLAN_BC_QUEUE_LEN, readU32);
  return { kind: "macvlan", mode, ...(bcqueuelen === undefined ? {} : { bcqueuelen }) };
}

const modeNames = Object.keys(macvlanModes) as (keyof typeof macvlanModes)[];
