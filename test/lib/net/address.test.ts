import fc from "fast-check";
import { Address4, Address6 } from "ip-address";
import { describe, expect, test } from "vitest";
import {
  addressBytes,
  addressFromBytes,
  containsAddress,
  firstOf,
  formatAddress,
  formatCidr,
  lastOf,
  networkOf,
  overlaps,
  parseAddress,
  parseCidr,
} from "../../../lib/net/address.ts";

const ipv4 = fc.bigInt({ min: 0n, max: (1n << 32n) - 1n });
/** Groups are often zero, so that "::" stands in every place. */
const ipv6 = fc
  .array(fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 0xffffn })), { minLength: 8, maxLength: 8 })
  .map((groups) => groups.reduce((value, group) => (value << 16n) | group, 0n));
const address = fc.oneof(
  ipv4.map((value) => ({ family: 4 as const, value })),
  ipv6.map((value) => ({ family: 6 as const, value })),
);

describe("parseAddress", () => {
  test.each([
    ["an IPv4 address", "192.168.0.1", 4, 0xc0a80001n],
    ["the lowest IPv4 address", "0.0.0.0", 4, 0n],
    ["the highest IPv4 address", "255.255.255.255", 4, 0xffffffffn],
    ["an elided IPv6 address", "fd00::1", 6, (0xfd00n << 112n) | 1n],
    ["upper case", "FD00::A", 6, (0xfd00n << 112n) | 10n],
    ["nothing but elision", "::", 6, 0n],
    ["elision at the end", "1::", 6, 1n << 112n],
    ["elision of a single group", "1:2:3:4:5:6:7::", 6, 0x00010002000300040005000600070000n],
    ["leading zeros in an IPv6 group", "fd00::0001", 6, (0xfd00n << 112n) | 1n],
  ] as const)("takes %s", (_, text, family, value) => {
    expect(parseAddress(text)).toEqual({ family, value });
  });

  test.each([
    ["nothing", ""],
    ["a word", "eth0"],
    ["three octets", "10.0.0"],
    ["five octets", "10.0.0.0.1"],
    ["an octet above 255", "10.0.0.256"],
    ["a leading zero, octal to some", "10.0.0.010"],
    ["a hexadecimal octet", "10.0.0.0x1"],
    ["an empty octet", "10..0.1"],
    ["a sign", "10.0.0.+1"],
    ["a space", " 10.0.0.1"],
    ["a newline at the end", "10.0.0.1\n"],
    ["a single number", "167772161"],
    ["a zone id", "fe80::1%eth0"],
    ["a dotted quad in IPv6", "::ffff:10.0.0.1"],
    ["two elisions", "1::2::3"],
    ["three colons", "1:::2"],
    ["nine groups", "1:2:3:4:5:6:7:8:9"],
    ["seven groups", "1:2:3:4:5:6:7"],
    ["elision where nothing is left out", "1:2:3:4::5:6:7:8"],
    ["a lone colon at the end", "1:2:3:4:5:6:7:"],
    ["a lone colon at the start", ":1:2:3:4:5:6:7"],
    ["a group of five digits", "10000::"],
    ["a letter beyond f", "fd00::g"],
    ["a prefix length", "10.0.0.1/24"],
  ])("refuses %s", (_, text) => {
    expect(() => parseAddress(text)).toThrow(RangeError);
    expect(() => parseAddress(text)).toThrow(`"${text}"`);
  });

  test("reads back what formatAddress wrote", () => {
    fc.assert(
      fc.property(address, (a) => {
        expect(parseAddress(formatAddress(a))).toEqual(a);
      }),
    );
  });

  test("agrees with ip-address", () => {
    fc.assert(
      fc.property(address, (a) => {
        const theirs = a.family === 4 ? Address4.fromBigInt(a.value) : Address6.fromBigInt(a.value);
        expect(formatAddress(a)).toBe(theirs.correctForm());
      }),
    );
  });

  test("refuses or agrees with ip-address on any text of the right characters", () => {
    const text = fc.string({ unit: fc.constantFrom(..."0123456789abcfF:::.."), maxLength: 24 });
    fc.assert(
      fc.property(text, (candidate) => {
        let ours: bigint;
        try {
          ours = parseAddress(candidate).value;
        } catch {
          return;
        }
        const theirs = candidate.includes(":") ? new Address6(candidate) : new Address4(candidate);
        expect(ours).toBe(theirs.bigInt());
      }),
      { numRuns: 2000 },
    );
  });
});

describe("parseCidr", () => {
  test.each([
    ["keeps host bits", "192.168.0.1/18", "192.168.0.1/18", "192.168.0.0/18"],
    ["takes a whole family", "0.0.0.0/0", "0.0.0.0/0", "0.0.0.0/0"],
    ["takes a single address", "10.0.0.1/32", "10.0.0.1/32", "10.0.0.1/32"],
    ["takes IPv6", "FD00::1/48", "fd00::1/48", "fd00::/48"],
    ["takes all of IPv6", "::/0", "::/0", "::/0"],
    ["takes a single IPv6 address", "::1/128", "::1/128", "::1/128"],
  ])("%s", (_, text, formatted, network) => {
    expect(formatCidr(parseCidr(text))).toBe(formatted);
    expect(formatCidr(networkOf(parseCidr(text)))).toBe(network);
  });

  test.each([
    ["no prefix length", "10.0.0.0"],
    ["an empty one", "10.0.0.0/"],
    ["one too long for IPv4", "10.0.0.0/33"],
    ["one too long for IPv6", "::/129"],
    ["a leading zero", "10.0.0.0/08"],
    ["a mask", "10.0.0.0/255.0.0.0"],
    ["two of them", "10.0.0.0/8/8"],
    ["a bad address", "10.0.0/8"],
  ])("refuses %s", (_, text) => {
    expect(() => parseCidr(text)).toThrow(RangeError);
    expect(() => parseCidr(text)).toThrow(JSON.stringify(text));
  });
});

describe("bytes", () => {
  test.each([
    ["IPv4", "192.168.0.1", [192, 168, 0, 1]],
    ["IPv6", "fd00::1:2", [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2]],
  ])("are in network order for %s", (_, text, bytes) => {
    expect([...addressBytes(parseAddress(text))]).toEqual(bytes);
  });

  test("lead back to the address, from the middle of a buffer too", () => {
    fc.assert(
      fc.property(address, (a) => {
        const bytes = addressBytes(a);
        const message = new Uint8Array(bytes.length + 8);
        message.set(bytes, 4);
        expect(addressFromBytes(message.subarray(4, 4 + bytes.length))).toEqual(a);
      }),
    );
  });

  test("of another length are refused", () => {
    expect(() => addressFromBytes(new Uint8Array(6))).toThrow("4 or 16 bytes, not 6");
  });
});

describe("networks", () => {
  test.each([
    ["a /18", "192.168.64.1/18", "192.168.64.0", "192.168.127.255"],
    ["a single address", "10.0.0.1/32", "10.0.0.1", "10.0.0.1"],
    ["an IPv6 /64", "fd00::5/64", "fd00::", "fd00::ffff:ffff:ffff:ffff"],
    ["all of IPv4", "10.0.0.1/0", "0.0.0.0", "255.255.255.255"],
  ])("reach from the first to the last address of %s", (_, text, first, last) => {
    const cidr = parseCidr(text);
    expect(firstOf(cidr)).toBe(parseAddress(first).value);
    expect(lastOf(cidr)).toBe(parseAddress(last).value);
  });

  test.each([
    ["hold an address within", "10.0.0.0/24", "10.0.0.255", true],
    ["do not hold the address after", "10.0.0.0/24", "10.0.1.0", false],
    ["do not hold the address before", "10.0.1.0/24", "10.0.0.255", false],
    ["never hold another family", "0.0.0.0/0", "::1", false],
  ])("%s", (_, cidr, text, holds) => {
    expect(containsAddress(parseCidr(cidr), parseAddress(text))).toBe(holds);
  });

  test.each([
    ["overlap when one holds the other", "10.0.0.0/8", "10.1.0.0/16", true],
    ["overlap with themselves", "10.0.0.0/8", "10.0.0.0/8", true],
    ["do not overlap as neighbours", "10.0.0.0/25", "10.0.0.128/25", false],
    ["never overlap another family", "0.0.0.0/0", "::/0", false],
  ])("%s", (_, a, b, overlap) => {
    expect(overlaps(parseCidr(a), parseCidr(b))).toBe(overlap);
    expect(overlaps(parseCidr(b), parseCidr(a))).toBe(overlap);
  });
});
