import { addressBytes, type IpAddress } from "../../net/address.ts";
import {
  type Attributes,
  aligned,
  CodecError,
  decodeAttributes,
  encodeBody,
  optional,
  present,
  viewOf,
} from "../codec.ts";
import { RTA_GATEWAY, RTNH_F_ONLINK } from "../constants.ts";
import { readAddress } from "./address.ts";

/** One of several ways that a route takes, each for its share of the flows. */
export interface NextHop {
  readonly oif: number;
  readonly gateway?: IpAddress;
  /** 1 to 256; 1 where absent */
  readonly weight?: number;
  readonly onlink?: boolean;
}

// struct rtnexthop: len u16, flags, hops (the weight less one), ifindex u32; then attributes
const rtnexthopLength = 8;

/** RTA_MULTIPATH's value. */
export function encodeNextHops(nextHops: readonly NextHop[]): Uint8Array {
  const parts = nextHops.map(({ oif, gateway, weight, onlink }) => {
    const flags = onlink === true ? RTNH_F_ONLINK : 0;
    const header = Uint8Array.of(0, 0, flags, (weight ?? 1) - 1, 0, 0, 0, 0);
    const part = encodeBody(
      header,
      gateway === undefined ? [] : [{ type: RTA_GATEWAY, value: addressBytes(gateway) }],
    );
    viewOf(part).setUint16(0, part.length, true);
    viewOf(part).setUint32(4, oif, true);
    return part;
  });
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

/** The inverse of encodeNextHops. Throws CodecError. */
export function decodeNextHops(bytes: Uint8Array, family: 4 | 6): NextHop[] {
  const view = viewOf(bytes);
  const nextHops: NextHop[] = [];
  for (let offset = 0; offset + rtnexthopLength <= bytes.length; ) {
    const length = view.getUint16(offset, true);
    if (length < rtnexthopLength || offset + length > bytes.length)
      throw new CodecError(`rtnexthop of length ${length} at ${offset} of ${bytes.length}`);
    const attributes = decodeAttributes(bytes.subarray(offset, offset + length), rtnexthopLength);
    const onlink = (view.getUint8(offset + 2) & RTNH_F_ONLINK) !== 0;
    nextHops.push({
      oif: view.getUint32(offset + 4, true),
      weight: view.getUint8(offset + 3) + 1,
      ...present({ gateway: readGateway(attributes, family) }),
      ...(onlink ? { onlink } : {}),
    });
    offset += aligned(length);
  }
  return nextHops;
}

/** RTA_GATEWAY, of a route or of a next hop. Throws CodecError. */
export function readGateway(attributes: Attributes, family: 4 | 6): IpAddress | undefined {
  return optional(attributes, RTA_GATEWAY, (value) => readAddress(value, family));
}
