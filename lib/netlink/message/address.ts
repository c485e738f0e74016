import { addressBytes, addressFromBytes, type Cidr, formatCidr, type IpAddress } from "../../net/address.ts";
import {
  CodecError,
  decodeAttributes,
  encodeBody,
  headerView,
  optional,
  type Request,
  readU32,
  viewOf,
} from "../codec.ts";
import * as k from "../constants.ts";

/** The number of AF_INET or AF_INET6. */
export function familyNumber(family: 4 | 6): number {
  return family === 4 ? k.AF_INET : k.AF_INET6;
}

/** The inverse of familyNumber. Throws CodecError for any other family. */
export function familyOf(number: number): 4 | 6 {
  if (number === k.AF_INET) return 4;
  if (number === k.AF_INET6) return 6;
  throw new CodecError(`address family ${number} is neither AF_INET nor AF_INET6`);
}

/** An address attribute's value, whose length must be the family's. Throws CodecError. */
export function readAddress(value: Uint8Array, family: 4 | 6): IpAddress {
  const length = family === 4 ? 4 : 16;
  if (value.length !== length) throw new CodecError(`IPv${family} address of ${value.length} bytes`);
  return addressFromBytes(value);
}

/** A prefix length of a fixed header, which must be one of the family. Throws CodecError. */
export function checkedPrefix(prefix: number, family: 4 | 6): number {
  if (prefix > (family === 4 ? 32 : 128)) throw new CodecError(`IPv${family} prefix length ${prefix}`);
  return prefix;
}

/** An address of a link, as the kernel describes it. */
export interface LinkAddress {
  readonly index: number;
  /** The address itself, with its host bits, and its prefix length */
  readonly cidr: Cidr;
  /** RT_SCOPE_*: 0 universe, 253 link, 254 host */
  readonly scope: number;
  /** IFA_F_* of if_addr.h */
  readonly flags: number;
  /** Added with IFA_F_NODAD: IPv6 duplicate address detection is left out. */
  readonly nodad: boolean;
}

export interface NewAddress {
  readonly index: number;
  readonly cidr: Cidr;
  /** No duplicate address detection, so the address is usable at once (IPv6; of no effect for IPv4). */
  readonly nodad: boolean;
  /** The link's name, for errors. */
  readonly ifname?: string;
}

/** Adds an address to a link. EEXIST where the link has it; EADDRINUSE where another ipvlan of the master has. */
export function newAddress(address: NewAddress): Request {
  return {
    type: k.RTM_NEWADDR,
    flags: k.NLM_F_REQUEST | k.NLM_F_ACK | k.NLM_F_CREATE | k.NLM_F_EXCL,
    label: `add address ${formatCidr(address.cidr)} to ${address.ifname ?? `link ${address.index}`}`,
    body: addressBody(address, address.nodad ? k.IFA_F_NODAD : 0),
  };
}

/** Removes an address from a link. EADDRNOTAVAIL where it does not have it. */
export function deleteAddress(address: Omit<NewAddress, "nodad">): Request {
  return {
    type: k.RTM_DELADDR,
    flags: k.NLM_F_REQUEST | k.NLM_F_ACK,
    label: `delete address ${formatCidr(address.cidr)} of ${address.ifname ?? `link ${address.index}`}`,
    body: addressBody(address, 0),
  };
}

// struct ifaddrmsg: family, prefixlen, flags, scope, index u32
const ifaddrmsgLength = 8;

function ifaddrmsg(family: number, prefix: number, flags: number, index: number): Uint8Array {
  const bytes = Uint8Array.of(family, prefix, flags, 0, 0, 0, 0, 0);
  viewOf(bytes).setUint32(4, index, true);
  return bytes;
}

function addressBody({ index, cidr }: Omit<NewAddress, "nodad">, flags: number): Uint8Array {
  const value = addressBytes(cidr.address);
  return encodeBody(ifaddrmsg(familyNumber(cidr.address.family), cidr.prefix, flags, index), [
    { type: k.IFA_LOCAL, value },
    { type: k.IFA_ADDRESS, value },
  ]);
}

/**
 * The addresses, IPv4 and IPv6, of one link or of all. Kernels without strict checks (before 4.20) give all
 * links' either way.
 */
export function dumpAddresses(index = 0): Request {
  return {
    type: k.RTM_GETADDR,
    flags: k.NLM_F_REQUEST | k.NLM_F_DUMP,
    label: "list the addresses",
    body: ifaddrmsg(k.AF_UNSPEC, 0, 0, index),
  };
}

/** An address of an RTM_NEWADDR. Throws CodecError. */
export function decodeAddress(message: { readonly body: Uint8Array }): LinkAddress {
  const view = headerView(message.body, ifaddrmsgLength, "ifaddrmsg");
  const attributes = decodeAttributes(message.body, ifaddrmsgLength);
  const family = familyOf(view.getUint8(0));
  // IFA_LOCAL is the link's own address where there is one; IFA_ADDRESS may be a peer's (if_addr.h).
  const value = attributes.get(k.IFA_LOCAL) ?? attributes.get(k.IFA_ADDRESS);
  if (value === undefined) throw new CodecError("ifaddrmsg without IFA_LOCAL and IFA_ADDRESS");
  const flags = optional(attributes, k.IFA_FLAGS, readU32) ?? view.getUint8(2);
  return {
    index: view.getUint32(4, true),
    cidr: { address: readAddress(value, family), prefix: checkedPrefix(view.getUint8(1), family) },
    scope: view.getUint8(3),
    flags,
    nodad: (flags & k.IFA_F_NODAD) !== 0,
  };
}
