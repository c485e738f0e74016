import { macBytes, macFromBytes } from "../../net/mac.ts";
import {
  type Attribute,
  type Attributes,
  decodeAttributes,
  encodeBody,
  findAttribute,
  listAttributes,
  nest,
  optional,
  present,
  type Request,
  readU32,
  text,
  u32,
  viewOf,
} from "../codec.ts";
import * as k from "../constants.ts";

// enum of if_link.h, within IFLA_VFINFO_LIST
const IFLA_VFINFO_LIST = 22;
const IFLA_VF_INFO = 1;
const IFLA_VF_MAC = 1;
const IFLA_VF_VLAN = 2;
const IFLA_VF_SPOOFCHK = 4;
const IFLA_VF_LINK_STATE = 5;
const IFLA_VF_RATE = 6;
const IFLA_VF_TRUST = 9;
const IFLA_VF_VLAN_LIST = 12;
const IFLA_VF_VLAN_INFO = 1;
const RTEXT_FILTER_VF = 1;

/** IFLA_VF_LINK_STATE_* */
export const vfLinkStates = { auto: 0, enable: 1, disable: 2 } as const;
/** ETH_P_8021Q and ETH_P_8021AD */
export const vlanProtocols = { "802.1q": 0x8100, "802.1ad": 0x88a8 } as const;

export interface VfVlan {
  /** 0: none */
  readonly vlan: number;
  readonly qos: number;
  readonly proto: keyof typeof vlanProtocols;
}

export interface VfRate {
  /** Mbit/s; 0: no limit */
  readonly min: number;
  readonly max: number;
}

/** What a physical function keeps of a virtual one. What is not there is left as it is, or not kept by the driver. */
export interface VfSettings {
  /** All zeros: the virtual function's own */
  readonly mac?: string;
  readonly vlan?: VfVlan;
  readonly spoofchk?: boolean;
  readonly trust?: boolean;
  readonly linkState?: keyof typeof vfLinkStates;
  readonly rate?: VfRate;
}

/** A virtual function, as its physical one has it. */
export interface VfAddress {
  readonly pf: string;
  /** ifindex of the physical function */
  readonly pfIndex: number;
  readonly number: number;
}

/** MAX_ADDR_LEN of netdevice.h: as many bytes has the address in struct ifla_vf_mac. */
const addressLength = 32;

type Encoders = {
  readonly [Key in keyof VfSettings]-?: (vf: number, value: Required<VfSettings>[Key]) => Attribute;
};

const encoders: Encoders = {
  mac: (vf, mac) => {
    const value = new Uint8Array(4 + addressLength);
    viewOf(value).setUint32(0, vf, true);
    value.set(macBytes(mac), 4);
    return { type: IFLA_VF_MAC, value };
  },
  vlan: (vf, { vlan, qos, proto }) => {
    if (proto === "802.1q") return words(IFLA_VF_VLAN, vf, vlan, qos);
    // struct ifla_vf_vlan_info; its protocol is in network byte order
    const value = new Uint8Array(16);
    value.set(words(0, vf, vlan, qos).value);
    viewOf(value).setUint16(12, vlanProtocols[proto]);
    return nest(IFLA_VF_VLAN_LIST, [{ type: IFLA_VF_VLAN_INFO, value }]);
  },
  rate: (vf, { min, max }) => words(IFLA_VF_RATE, vf, min, max),
  spoofchk: (vf, on) => words(IFLA_VF_SPOOFCHK, vf, Number(on)),
  linkState: (vf, state) => words(IFLA_VF_LINK_STATE, vf, vfLinkStates[state]),
  trust: (vf, on) => words(IFLA_VF_TRUST, vf, Number(on)),
};

function words(type: number, ...values: readonly number[]): Attribute {
  const value = new Uint8Array(4 * values.length);
  values.forEach((each, place) => {
    viewOf(value).setUint32(4 * place, each, true);
  });
  return { type, value };
}

/** Each setting as a request of its own, so that a refusal says which. In the order in which the kernel takes them. */
export function setVf(address: VfAddress, settings: VfSettings): Request[] {
  const keys = Object.keys(encoders) as (keyof VfSettings)[];
  return keys.flatMap((key) => {
    const value = settings[key];
    return value === undefined ? [] : [setOne(address, key, value)];
  });
}

function setOne({ pf, pfIndex, number }: VfAddress, key: keyof VfSettings, value: unknown): Request {
  const encode = encoders[key] as (vf: number, value: unknown) => Attribute;
  return {
    type: k.RTM_NEWLINK,
    flags: k.NLM_F_REQUEST | k.NLM_F_ACK,
    label: `set ${key} of virtual function ${number} of ${pf}`,
    body: encodeBody(header(pfIndex), [
      nest(IFLA_VFINFO_LIST, [nest(IFLA_VF_INFO, [encode(number, value)])]),
    ]),
  };
}

/** By which a link is looked up. */
export type LinkKey = { readonly name: string } | { readonly index: number };

/** A link with what it keeps of its virtual functions. ENODEV where there is none. */
export function getVfs(pf: LinkKey): Request {
  const [index, name] = "index" in pf ? [pf.index, []] : [0, [text(k.IFLA_IFNAME, pf.name)]];
  return {
    type: k.RTM_GETLINK,
    flags: k.NLM_F_REQUEST | k.NLM_F_ACK,
    label: `look up the virtual functions of ${"index" in pf ? `link ${pf.index}` : pf.name}`,
    body: encodeBody(header(index), [
      ...name,
      u32(k.IFLA_EXT_MASK, RTEXT_FILTER_VF | k.RTEXT_FILTER_SKIP_STATS),
    ]),
  };
}

// struct ifinfomsg
const headerLength = 16;

function header(index: number): Uint8Array {
  const bytes = new Uint8Array(headerLength);
  viewOf(bytes).setInt32(4, index, true);
  return bytes;
}

/** The settings by number, of the answer to getVfs. Throws CodecError. */
export function decodeVfs({ body }: { readonly body: Uint8Array }): ReadonlyMap<number, VfSettings> {
  const list = findAttribute(body, IFLA_VFINFO_LIST, headerLength);
  const infos = list === undefined ? [] : listAttributes(list).map(({ value }) => decodeAttributes(value));
  return new Map(
    infos.flatMap((info) => {
      const mac = info.get(IFLA_VF_MAC);
      return mac === undefined ? [] : [[readU32(mac), decodeSettings(info, mac)] as const];
    }),
  );
}

function decodeSettings(info: Attributes, mac: Uint8Array): VfSettings {
  const second = (type: number) => optional(info, type, (value) => readU32(value.subarray(4)));
  const state = second(IFLA_VF_LINK_STATE);
  return present({
    mac: macFromBytes(mac.subarray(4, 10)),
    vlan: decodeVlan(info),
    spoofchk: flag(second(IFLA_VF_SPOOFCHK)),
    trust: flag(second(IFLA_VF_TRUST)),
    linkState: linkStates.find((name) => vfLinkStates[name] === state),
    rate: optional(info, IFLA_VF_RATE, (value) => ({
      min: readU32(value.subarray(4)),
      max: readU32(value.subarray(8)),
    })),
  });
}

const linkStates = Object.keys(vfLinkStates) as (keyof typeof vfLinkStates)[];
const protocols = Object.keys(vlanProtocols) as (keyof typeof vlanProtocols)[];

/** -1 where the driver does not say (rtnl_fill_vfinfo). */
const flag = (value: number | undefined): boolean | undefined =>
  value === 0 || value === 1 ? value === 1 : undefined;

function decodeVlan(info: Attributes): VfVlan | undefined {
  return optional(info, IFLA_VF_VLAN, (value) => {
    const listed = info.get(IFLA_VF_VLAN_LIST);
    const first = listed && findAttribute(listed, IFLA_VF_VLAN_INFO);
    const number = first === undefined ? vlanProtocols["802.1q"] : viewOf(first).getUint16(12);
    return {
      vlan: readU32(value.subarray(4)),
      qos: readU32(value.subarray(8)),
      proto: protocols.find((name) => vlanProtocols[name] === number) ?? "802.1q",
    };
  });
}
