import { NLA_TYPE_MASK } from "./constants.ts";

/** A request to the kernel: nlmsg_type, nlmsg_flags, what follows the header, and what it is for, to end in errors. */
export interface Request {
  readonly type: number;
  readonly flags: number;
  readonly body: Uint8Array;
  /** "create ipvlan net1-0 on eth1" */
  readonly label: string;
}

/** A message of the kernel: struct nlmsghdr, taken apart. */
export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly seq: number;
  readonly port: number;
  readonly body: Uint8Array;
}

/** An attribute to encode: struct nlattr's type (with its flags) and payload. */
export interface Attribute {
  readonly type: number;
  readonly value: Uint8Array;
}

/** Payloads by type, the type's flags removed. Of a type that is there twice, the last. */
export type Attributes = ReadonlyMap<number, Uint8Array>;

/** Bytes that are not what a netlink message may be: cut short, or with a length that cannot be. */
export class CodecError extends Error {
  override readonly name = "CodecError";
}

const headerLength = 16;
const attributeHeaderLength = 4;

/** NLMSG_ALIGN and NLA_ALIGN: lengths in bytes, rounded up to 4. */
export function aligned(length: number): number {
  return (length + 3) & ~3;
}

// Netlink is in the host's byte order, which is little-endian on x64 and arm64, the two we build for.
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The length in bytes that encodeMessages takes for a request. */
export function encodedLength(request: Request): number {
  return aligned(headerLength + request.body.length);
}

/** Requests as one sendmsg's bytes, numbered from seq on. Port 0: the kernel fills in the sender's. */
export function encodeMessages(requests: readonly Request[], seq: number): Uint8Array {
  const bytes = new Uint8Array(requests.reduce((sum, request) => sum + encodedLength(request), 0));
  const view = viewOf(bytes);
  let offset = 0;
  for (const [index, request] of requests.entries()) {
    view.setUint32(offset, headerLength + request.body.length, true);
    view.setUint16(offset + 4, request.type, true);
    view.setUint16(offset + 6, request.flags, true);
    view.setUint32(offset + 8, seq + index, true);
    bytes.set(request.body, offset + headerLength);
    offset += encodedLength(request);
  }
  return bytes;
}

/** The messages of one recvmsg. Throws CodecError. */
export function decodeMessages(bytes: Uint8Array): Message[] {
  const view = viewOf(bytes);
  const messages: Message[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    if (bytes.length - offset < headerLength) throw new CodecError(`message header cut short at ${offset}`);
    const length = view.getUint32(offset, true);
    if (length < headerLength || length > bytes.length - offset)
      throw new CodecError(`message of length ${length} at ${offset} of ${bytes.length}`);
    messages.push({
      type: view.getUint16(offset + 4, true),
      flags: view.getUint16(offset + 6, true),
      seq: view.getUint32(offset + 8, true),
      port: view.getUint32(offset + 12, true),
      body: bytes.subarray(offset + headerLength, offset + length),
    });
    offset += aligned(length);
  }
  return messages;
}

/** A fixed header (struct ifinfomsg and the like) and the attributes after it. */
export function encodeBody(header: Uint8Array, attributes: readonly Attribute[]): Uint8Array {
  const start = aligned(header.length);
  const bytes = new Uint8Array(start + attributesLength(attributes));
  bytes.set(header);
  writeAttributes(bytes, start, attributes);
  return bytes;
}

/** Attributes one after the other, each padded to 4 bytes. */
export function encodeAttributes(attributes: readonly Attribute[]): Uint8Array {
  return encodeBody(new Uint8Array(0), attributes);
}

function attributesLength(attributes: readonly Attribute[]): number {
  return attributes.reduce((sum, { value }) => sum + aligned(attributeHeaderLength + value.length), 0);
}

function writeAttributes(bytes: Uint8Array, start: number, attributes: readonly Attribute[]): void {
  const view = viewOf(bytes);
  let offset = start;
  for (const { type, value } of attributes) {
    const length = attributeHeaderLength + value.length;
    if (length > 0xffff) throw new CodecError(`attribute ${type} of length ${length} does not fit nla_len`);
    view.setUint16(offset, length, true);
    view.setUint16(offset + 2, type, true);
    bytes.set(value, offset + attributeHeaderLength);
    offset += aligned(length);
  }
}

/** The attributes from offset on. Fewer than 4 bytes at the end are padding. Throws CodecError. */
export function decodeAttributes(bytes: Uint8Array, offset = 0): Attributes {
  return new Map(listAttributes(bytes, offset).map(({ type, value }) => [type, value]));
}

/** As decodeAttributes, in their order, for lists in which a type comes more than once. Throws CodecError. */
export function listAttributes(bytes: Uint8Array, offset = 0): Attribute[] {
  const view = viewOf(bytes);
  const attributes: Attribute[] = [];
  for (let at = offset; at + attributeHeaderLength <= bytes.length; ) {
    const length = view.getUint16(at, true);
    if (length < attributeHeaderLength || at + length > bytes.length)
      throw new CodecError(`attribute of length ${length} at ${at} of ${bytes.length}`);
    const type = view.getUint16(at + 2, true) & NLA_TYPE_MASK;
    attributes.push({ type, value: bytes.subarray(at + attributeHeaderLength, at + length) });
    at += aligned(length);
  }
  return attributes;
}

/**
 * The payload of the first attribute of that type, or undefined: for whoever wants one attribute of a thousand messages,
 * as decodeAttributes costs ten times as much. Throws CodecError.
 */
export function findAttribute(bytes: Uint8Array, type: number, offset = 0): Uint8Array | undefined {
  for (let at = offset; at + attributeHeaderLength <= bytes.length; ) {
    const length = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
    if (length < attributeHeaderLength || at + length > bytes.length)
      throw new CodecError(`attribute of length ${length} at ${at} of ${bytes.length}`);
    const found = ((bytes[at + 2] ?? 0) | ((bytes[at + 3] ?? 0) << 8)) & NLA_TYPE_MASK;
    if (found === type) return bytes.subarray(at + attributeHeaderLength, at + length);
    at += aligned(length);
  }
  return undefined;
}

/** The fixed header's view. Throws CodecError where the body is shorter than length. */
export function headerView(body: Uint8Array, length: number, name: string): DataView {
  if (body.length < length) throw new CodecError(`${name} of ${body.length} bytes, ${length} expected`);
  return viewOf(body);
}

export function u8(type: number, value: number): Attribute {
  return { type, value: Uint8Array.of(value) };
}

export function u16(type: number, value: number): Attribute {
  return { type, value: Uint8Array.of(value & 0xff, (value >> 8) & 0xff) };
}

export function u32(type: number, value: number): Attribute {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, value, true);
  return { type, value: bytes };
}

/** A string with its closing NUL. */
export function text(type: number, value: string): Attribute {
  return { type, value: encoder.encode(`${value}\0`) };
}

/** A string without its NUL, as the kernel takes it too. */
export function bareText(type: number, value: string): Attribute {
  return { type, value: encoder.encode(value) };
}

/** Attributes within an attribute, without NLA_F_NESTED: those of rtnetlink are older than that flag. */
export function nest(type: number, attributes: readonly Attribute[]): Attribute {
  return { type, value: encodeAttributes(attributes) };
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function readU8(value: Uint8Array): number {
  return sized(value, 1).getUint8(0);
}

export function readU16(value: Uint8Array): number {
  return sized(value, 2).getUint16(0, true);
}

export function readU32(value: Uint8Array): number {
  return sized(value, 4).getUint32(0, true);
}

export function readI32(value: Uint8Array): number {
  return sized(value, 4).getInt32(0, true);
}

/** A string up to its NUL, or to the end where it has none. */
export function readText(value: Uint8Array): string {
  const end = value.indexOf(0);
  return decoder.decode(end === -1 ? value : value.subarray(0, end));
}

function sized(value: Uint8Array, length: number): DataView {
  if (value.length < length) throw new CodecError(`payload of ${value.length} bytes, ${length} expected`);
  return viewOf(value);
}

/** The attribute of that type, read; undefined where it is not there. */
export function optional<T>(
  attributes: Attributes,
  type: number,
  read: (value: Uint8Array) => T,
): T | undefined {
  const value = attributes.get(type);
  return value === undefined ? undefined : read(value);
}

/** The properties that are not undefined. */
export function present<T extends object>(properties: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(properties).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
