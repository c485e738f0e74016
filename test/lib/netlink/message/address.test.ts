import { describe, expect, test } from "vitest";
import { parseCidr } from "../../../../lib/net/address.ts";
import { CodecError, encodeBody, u32 } from "../../../../lib/netlink/codec.ts";
import { decodeAddress, deleteAddress, newAddress } from "../../../../lib/netlink/message/address.ts";

describe("an address comes back as it was asked for", () => {
  test.each([
    ["10.1.0.5/24", true],
    ["10.1.0.5/24", false],
    ["255.255.255.255/32", false],
    ["0.0.0.0/0", false],
    ["fd00::5/64", true],
    ["ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", false],
  ])("%s, nodad %s", (text, nodad) => {
    const cidr = parseCidr(text);
    expect(decodeAddress(newAddress({ index: 9, cidr, nodad }))).toEqual({
      index: 9,
      cidr,
      nodad,
      scope: 0,
      flags: nodad ? 2 : 0,
    });
  });
});

const local = { type: 2, value: Uint8Array.of(10, 0, 0, 1) };
const peer = { type: 1, value: Uint8Array.of(10, 0, 0, 2) };

test("of a point-to-point address, the link's own is read and not the peer's", () => {
  const body = encodeBody(Uint8Array.of(2, 32, 0, 0, 9, 0, 0, 0), [peer, local]);
  expect(decodeAddress({ body }).cidr).toEqual(parseCidr("10.0.0.1/32"));
});

test("flags beyond a byte come from IFA_FLAGS", () => {
  const body = encodeBody(Uint8Array.of(2, 32, 0x80, 0, 9, 0, 0, 0), [local, u32(8, 0x282)]);
  expect(decodeAddress({ body })).toMatchObject({ flags: 0x282, nodad: true });
});

describe("what is no IP address is a CodecError", () => {
  test.each([
    ["a family that is neither", Uint8Array.of(28, 20, 0, 0, 0, 0, 0, 0), [local]],
    ["an IPv6 address of 4 bytes", Uint8Array.of(10, 64, 0, 0, 0, 0, 0, 0), [local]],
    ["an IPv4 prefix length of 33", Uint8Array.of(2, 33, 0, 0, 0, 0, 0, 0), [local]],
    ["a header with no address", Uint8Array.of(2, 24, 0, 0, 0, 0, 0, 0), []],
    ["half a header", Uint8Array.of(2, 24, 0, 0), []],
  ])("%s", (_name, header, attributes) => {
    expect(() => decodeAddress({ body: encodeBody(header, attributes) })).toThrow(CodecError);
  });
});

test("labels name the address and the link", () => {
  const cidr = parseCidr("fd00::5/64");
  expect(newAddress({ index: 9, cidr, nodad: true, ifname: "net1-0" }).label).toBe(
    "add address fd00::5/64 to net1-0",
  );
  expect(deleteAddress({ index: 9, cidr }).label).toBe("delete address fd00::5/64 of link 9");
});
