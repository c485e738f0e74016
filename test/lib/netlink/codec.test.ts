import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  CodecError,
  decodeAttributes,
  decodeMessages,
  encodeAttributes,
  encodeMessages,
  listAttributes,
  nest,
  present,
  readI32,
  readText,
  readU8,
  readU16,
  readU32,
  text,
  u8,
  u16,
  u32,
} from "../../../lib/netlink/codec.ts";
import { decodeAddress } from "../../../lib/netlink/message/address.ts";
import { decodeLink } from "../../../lib/netlink/message/link.ts";
import { decodeRoute } from "../../../lib/netlink/message/route.ts";
import { decodeRule } from "../../../lib/netlink/message/rule.ts";

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"));

describe("messages", () => {
  test("are padded to 4 bytes, numbered in a row, and come apart again", () => {
    const batch = [
      { type: 16, flags: 5, body: Uint8Array.of(1, 2, 3), label: "one" },
      { type: 18, flags: 0x301, body: new Uint8Array(0), label: "two" },
    ];
    const encoded = encodeMessages(batch, 7);
    expect(encoded).toEqual(
      bytes("13000000 1000 0500 07000000 00000000 01020300  10000000 1200 0103 08000000 00000000"),
    );
    expect(decodeMessages(encoded)).toEqual([
      { type: 16, flags: 5, seq: 7, port: 0, body: Uint8Array.of(1, 2, 3) },
      { type: 18, flags: 0x301, seq: 8, port: 0, body: new Uint8Array(0) },
    ]);
  });

  test("whose last one lacks its padding come apart too", () => {
    expect(decodeMessages(bytes("11000000 0200 0000 01000000 00000000 ff"))).toHaveLength(1);
  });

  test.each([
    ["a header cut short", "10000000 0200"],
    ["a length of 0, which would loop", "00000000 0200 0000 01000000 00000000"],
    ["a length beyond the end", "18000000 0200 0000 01000000 00000000"],
  ])("with %s are a CodecError", (_name, hex) => {
    expect(() => decodeMessages(bytes(hex))).toThrow(CodecError);
  });
});

describe("attributes", () => {
  test("of each type come back", () => {
    const encoded = encodeAttributes([
      u8(1, 200),
      u16(2, 0xbeef),
      u32(3, 0xdeadbeef),
      text(4, "net1-0"),
      nest(5, [u8(1, 1)]),
      u32(6, -2 >>> 0),
    ]);
    const attributes = decodeAttributes(encoded);
    const value = (type: number) => attributes.get(type) ?? new Uint8Array(0);
    expect(readU8(value(1))).toBe(200);
    expect(readU16(value(2))).toBe(0xbeef);
    expect(readU32(value(3))).toBe(0xdeadbeef);
    expect(readText(value(4))).toBe("net1-0");
    expect(readU8(decodeAttributes(value(5)).get(1) ?? new Uint8Array(0))).toBe(1);
    expect(readI32(value(6))).toBe(-2);
  });

  test("lose NLA_F_NESTED and NLA_F_NET_BYTEORDER of their types", () => {
    expect([...decodeAttributes(bytes("0400 12c0")).keys()]).toEqual([0x12]);
  });

  test("with no payload are taken, and fewer than 4 bytes at the end are padding", () => {
    expect(listAttributes(bytes("0400 0100 000000"))).toEqual([{ type: 1, value: new Uint8Array(0) }]);
  });

  test.each([
    ["a length of 0, which would loop", "0000 0100 00000000"],
    ["a length of 3, less than its header", "0300 0100"],
    ["a length beyond the end", "0900 0100 00000000"],
  ])("with %s are a CodecError", (_name, hex) => {
    expect(() => decodeAttributes(bytes(hex))).toThrow(CodecError);
  });

  test("with a payload too short for their reader are a CodecError", () => {
    for (const read of [readU8, readU16, readU32, readI32])
      expect(() => read(new Uint8Array(0))).toThrow(CodecError);
  });

  test("too long for nla_len are a CodecError, not cut", () => {
    expect(() => encodeAttributes([{ type: 1, value: new Uint8Array(0x10000) }])).toThrow(CodecError);
  });
});

test("present leaves out what is undefined, and keeps what is merely false", () => {
  expect(present({ a: undefined, b: 0, c: "", d: false })).toEqual({ b: 0, c: "", d: false });
});

const decoders = { decodeLink, decodeAddress, decodeRoute, decodeRule };
const captured: readonly { hex: string }[] = JSON.parse(
  readFileSync(new URL("golden.json", import.meta.url), "utf8"),
);
const bodies = captured.map(({ hex }) => bytes(hex).slice(16));

/** A captured body, cut and with some of its bytes changed: closer to what decoders look into than noise is. */
const damaged = fc
  .tuple(
    fc.constantFrom(...bodies),
    fc.nat(200),
    fc.array(fc.tuple(fc.nat(200), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
  )
  .map(([body, length, changes]) => {
    const copy = body.slice(0, length);
    for (const [at, value] of changes) if (at < copy.length) copy[at] = value;
    return copy;
  });

function onlyCodecErrors(decode: () => unknown): void {
  try {
    decode();
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
  }
}

describe("whatever the bytes, there is an answer or a CodecError", () => {
  test.each(Object.entries(decoders))("%s", (_name, decode) => {
    fc.assert(
      fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 200 })), (body) => {
        onlyCodecErrors(() => decode({ body }));
      }),
      { numRuns: 2000 },
    );
  });

  test("decodeMessages and decodeAttributes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        onlyCodecErrors(() => decodeMessages(noise));
        onlyCodecErrors(() => decodeAttributes(noise));
      }),
      { numRuns: 2000 },
    );
  });
});

describe("what is encoded is decoded", () => {
  test("for any list of attributes", () => {
    const attribute = fc.record({
      type: fc.integer({ min: 0, max: 0x3fff }),
      value: fc.uint8Array({ maxLength: 40 }),
    });
    fc.assert(
      fc.property(fc.array(attribute), (attributes) => {
        expect(listAttributes(encodeAttributes(attributes))).toEqual(attributes);
      }),
    );
  });
});
