/**
 * Addresses and CIDRs as numbers. Written out here and not taken from the ip-address package: that one takes
 * 3 ms to load, of the 8 ms an ADD may take beyond VERSION. The tests compare the two.
 */
import { formatIpv6, parseIpv6 } from "./ipv6.ts";

/** An IP address as a number: 32 bits for IPv4, 128 for IPv6. */
export interface IpAddress {
  readonly family: 4 | 6;
  readonly value: bigint;
}

/** An address and a prefix length. The address may have host bits: 192.168.0.1/18. */
export interface Cidr {
  readonly address: IpAddress;
  readonly prefix: number;
}

const octetText = /^(0|[1-9][0-9]{0,2})$/;
const prefixText = octetText;

/** The width of an address of this family, in bits. */
export function bitsOf(family: 4 | 6): 32 | 128 {
  return family === 4 ? 32 : 128;
}

/**
 * An address from its text. Strict: no leading zeros, zone ids, or dotted quads inside IPv6.
 * Throws RangeError naming the text.
 */
export function parseAddress(text: string): IpAddress {
  const address = parsed(text);
  if (address === undefined) throw new RangeError(`"${text}" is not an IP address`);
  return address;
}

function parsed(text: string): IpAddress | undefined {
  const family = text.includes(":") ? 6 : 4;
  const value = family === 6 ? parseIpv6(text) : parseIpv4(text);
  return value === undefined ? undefined : { family, value };
}

function parseIpv4(text: string): bigint | undefined {
  const octets = text.split(".");
  if (octets.length !== 4) return undefined;
  let value = 0;
  for (const octet of octets) {
    if (!octetText.test(octet) || Number(octet) > 255) return undefined;
    value = value * 256 + Number(octet);
  }
  return BigInt(value);
}

/** An address with its prefix length, host bits kept. Throws RangeError naming the text. */
export function parseCidr(text: string): Cidr {
  const slash = text.indexOf("/");
  if (slash < 0) throw new RangeError(`"${text}" has no prefix length, as in 192.168.0.0/16`);
  const address = parsed(text.slice(0, slash));
  if (address === undefined) throw new RangeError(`"${text}" does not begin with an IP address`);
  const prefix = text.slice(slash + 1);
  if (!prefixText.test(prefix) || Number(prefix) > bitsOf(address.family)) {
    throw new RangeError(`"${text}" has a prefix length that is not in 0..${bitsOf(address.family)}`);
  }
  return { address, prefix: Number(prefix) };
}

/** Canonical text: dotted quad, or RFC 5952. */
export function formatAddress(address: IpAddress): string {
  if (address.family === 6) return formatIpv6(address.value);
  const value = Number(address.value);
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}

export function formatCidr(cidr: Cidr): string {
  return `${formatAddress(cidr.address)}/${cidr.prefix}`;
}

/** Network byte order: 4 or 16 bytes. */
export function addressBytes(address: IpAddress): Uint8Array {
  const bytes = new Uint8Array(bitsOf(address.family) / 8);
  const view = new DataView(bytes.buffer);
  if (address.family === 4) {
    view.setUint32(0, Number(address.value));
  } else {
    view.setBigUint64(0, address.value >> 64n);
    view.setBigUint64(8, address.value);
  }
  return bytes;
}

/** The inverse of addressBytes. Throws RangeError unless there are 4 or 16 bytes. */
export function addressFromBytes(bytes: Uint8Array): IpAddress {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length === 4) return { family: 4, value: BigInt(view.getUint32(0)) };
  if (bytes.length === 16) {
    return { family: 6, value: (view.getBigUint64(0) << 64n) | view.getBigUint64(8) };
  }
  throw new RangeError(`an IP address has 4 or 16 bytes, not ${bytes.length}`);
}

/** The same network with the host bits cleared. */
export function networkOf(cidr: Cidr): Cidr {
  return { address: { family: cidr.address.family, value: firstOf(cidr) }, prefix: cidr.prefix };
}

/** The lowest address of the network. */
export function firstOf(cidr: Cidr): bigint {
  const hostBits = BigInt(bitsOf(cidr.address.family) - cidr.prefix);
  return (cidr.address.value >> hostBits) << hostBits;
}

/** The highest address of the network. */
export function lastOf(cidr: Cidr): bigint {
  return firstOf(cidr) + (1n << BigInt(bitsOf(cidr.address.family) - cidr.prefix)) - 1n;
}

/** Whether the address is in the network. Families never mix. */
export function containsAddress(cidr: Cidr, address: IpAddress): boolean {
  if (cidr.address.family !== address.family) return false;
  return firstOf(cidr) <= address.value && address.value <= lastOf(cidr);
}

/** Whether two networks share an address. Families never mix. */
export function overlaps(a: Cidr, b: Cidr): boolean {
  if (a.address.family !== b.address.family) return false;
  return firstOf(a) <= lastOf(b) && firstOf(b) <= lastOf(a);
}
