import { describe, expect, test } from "vitest";
import { parseAddress, parseCidr } from "../../../../lib/net/address.ts";
import { CodecError, encodeBody, nest, u32 } from "../../../../lib/netlink/codec.ts";
import { decodeRoute, deleteRoute, newRoute, type Route } from "../../../../lib/netlink/message/route.ts";

const dst = parseCidr("10.9.0.0/16");
const dst6 = parseCidr("fd09::/48");
const gateway = parseAddress("10.1.0.1");
const gateway6 = parseAddress("fd00::1");
const base = { table: 254, protocol: 4 };

const routes: readonly (readonly [string, Route, number])[] = [
  ["to what is on the link, in scope link", { ...base, dst, oif: 9 }, 253],
  ["to what is on the link, in scope universe if so asked", { ...base, dst, oif: 9, scope: 0 }, 0],
  ["through a gateway", { ...base, dst, oif: 9, gateway }, 0],
  ["by default, with no destination", { ...base, dst: parseCidr("0.0.0.0/0"), oif: 9, gateway }, 0],
  ["by default, IPv6", { ...base, dst: parseCidr("::/0"), oif: 9, gateway: gateway6 }, 0],
  ["in a table that fits the header", { ...base, table: 255, dst, oif: 9, gateway }, 0],
  ["in a table that does not", { ...base, table: 256, dst, oif: 9, gateway }, 0],
  ["in the last table", { ...base, table: 0xffffffff, dst, oif: 9, gateway }, 0],
  [
    "with all there is",
    {
      ...base,
      dst: dst6,
      oif: 9,
      gateway: gateway6,
      src: parseAddress("fd00::5"),
      priority: 50,
      mtu: 1400,
      advmss: 1340,
      onlink: true,
    },
    0,
  ],
  [
    "over several gateways, with weights",
    {
      ...base,
      dst,
      multipath: [
        { oif: 9, gateway, weight: 1 },
        { oif: 10, gateway: parseAddress("10.2.0.1"), weight: 256, onlink: true },
        { oif: 11, weight: 2 },
      ],
    },
    0,
  ],
  [
    "over several gateways, IPv6",
    {
      ...base,
      dst: dst6,
      multipath: [
        { oif: 9, gateway: gateway6, weight: 1 },
        { oif: 10, gateway: parseAddress("fd01::1"), weight: 1 },
      ],
    },
    0,
  ],
];

describe("a route comes back as it was asked for", () => {
  test.each(routes)("%s", (_name, route, scope) => {
    expect(decodeRoute(newRoute(route))).toEqual({ ...route, scope, type: 1 });
  });
});

test.each([
  ["none", [], undefined],
  ["an MTU and an MSS", [u32(2, 1400), u32(8, 1360)], undefined],
  ["an initial window beside an MTU", [u32(2, 1400), u32(11, 2)], true],
])("a route with %s says whether it has metrics that are not named", (_name, metrics, others) => {
  const header = Uint8Array.of(2, 16, 0, 0, 254, 4, 0, 1, 0, 0, 0, 0);
  expect(decodeRoute({ body: encodeBody(header, [nest(8, metrics)]) }).otherMetrics).toBe(others);
});

describe("labels name destination, gateways and table", () => {
  test.each([
    [newRoute({ ...base, dst, oif: 9 }), "add route 10.9.0.0/16 in table 254"],
    [newRoute({ ...base, dst, oif: 9, gateway }), "add route 10.9.0.0/16 via 10.1.0.1 in table 254"],
    [
      newRoute({
        ...base,
        dst: dst6,
        multipath: [
          { oif: 9, gateway: gateway6 },
          { oif: 8, gateway: gateway6 },
        ],
      }),
      "add route fd09::/48 via fd00::1, fd00::1 in table 254",
    ],
    [deleteRoute({ ...base, dst, oif: 9 }), "delete route 10.9.0.0/16 in table 254"],
  ])("$label", (request, label) => {
    expect(request.label).toBe(label);
  });
});

describe("what is no route is a CodecError", () => {
  const header = Uint8Array.of(2, 16, 0, 0, 254, 4, 0, 1, 0, 0, 0, 0);
  test.each([
    ["a next hop of length 0, which would loop", { type: 9, value: new Uint8Array(8) }],
    ["a next hop beyond the end", { type: 9, value: Uint8Array.of(32, 0, 0, 0, 9, 0, 0, 0) }],
    ["a gateway of another family", { type: 5, value: new Uint8Array(16) }],
    ["a destination cut short", { type: 1, value: new Uint8Array(2) }],
  ])("%s", (_name, attribute) => {
    expect(() => decodeRoute({ body: encodeBody(header, [attribute]) })).toThrow(CodecError);
  });

  test("one of MPLS, of a dump of all families", () => {
    expect(() => decodeRoute({ body: new Uint8Array(12).fill(28) })).toThrow(CodecError);
  });
});
