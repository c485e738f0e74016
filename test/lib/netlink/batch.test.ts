import { describe, expect, test } from "vitest";
import { parseCidr } from "../../../lib/net/address.ts";
import { newExchange, runsOf, takeMessage } from "../../../lib/netlink/batch.ts";
import {
  CodecError,
  encodeAttributes,
  type Message,
  type Request,
  text,
} from "../../../lib/netlink/codec.ts";
import { deleteLink, dumpLinks, newLink } from "../../../lib/netlink/message/link.ts";
import { newRoute } from "../../../lib/netlink/message/route.ts";

const large = (length: number): Request => ({
  type: 16,
  flags: 5,
  body: new Uint8Array(length),
  label: "large",
});
const made = newLink({
  name: "net1-0",
  kind: { kind: "macvlan", mode: "bridge" },
  link: 1,
  netnsFd: 4,
  group: 1,
});
const route = newRoute({ dst: parseCidr("10.0.0.0/8"), table: 254, protocol: 4, oif: 1 });

describe("requests are cut into runs", () => {
  test.each([
    ["of 64 messages at most", Array(130).fill(made), [64, 64, 2]],
    ["of 32 kB at most", Array(5).fill(large(10_000)), [3, 2]],
    ["one larger than that goes alone", [made, large(40_000), made], [1, 1, 1]],
    ["that end with a dump", [made, dumpLinks(), made, made, dumpLinks()], [2, 3]],
    [
      "which NLM_F_REPLACE and NLM_F_EXCL do not make of a route",
      Array(3).fill({ ...route, flags: 0x705 }),
      [3],
    ],
    ["of which there are none for none", [], []],
  ])("%s", (_name, requests: Request[], lengths) => {
    const runs = runsOf(requests);
    expect(runs.map((run) => run.length)).toEqual(lengths);
    expect(runs.flat()).toEqual(requests);
  });
});

/** NLMSG_ERROR for request 17 bytes long, as the kernel gives it: with the request, unless capped. */
function verdict(errno: number, flags: number, explanation?: string): Message {
  const header = Buffer.alloc(20);
  header.writeInt32LE(-errno, 0);
  header.writeUInt32LE(17, 4);
  const request = (flags & 0x100) === 0 ? Buffer.alloc(4, 0xff) : Buffer.alloc(0);
  const tlvs = explanation === undefined ? Buffer.alloc(0) : encodeAttributes([text(1, explanation)]);
  return { type: 2, flags, seq: 5, port: 1, body: Buffer.concat([header, request, tlvs]) };
}

describe("an acknowledgement is read", () => {
  test.each([
    ["that grants", verdict(0, 0x100), 0, ""],
    ["that refuses, with no words", verdict(17, 0), 17, ""],
    [
      "that refuses with words, behind the request",
      verdict(95, 0x200, "Unknown device type"),
      95,
      "Unknown device type",
    ],
    ["that refuses with words, the request capped", verdict(22, 0x300, "Invalid mode"), 22, "Invalid mode"],
  ])("%s", (_name, message, errno, explanation) => {
    const exchange = newExchange([deleteLink(1)], 5);
    expect(takeMessage(exchange, message)).toBe(true);
    expect(exchange.answers).toEqual([{ errno, explanation, replies: [], interrupted: false }]);
  });

  test("that ends a dump with an error and words", () => {
    const body = Buffer.concat([
      Buffer.from(Int32Array.of(-22).buffer),
      encodeAttributes([text(1, "no such table")]),
    ]);
    const exchange = newExchange([dumpLinks()], 5);
    takeMessage(exchange, { type: 3, flags: 0x202, seq: 5, port: 1, body });
    expect(exchange.answers).toMatchObject([{ errno: 22, explanation: "no such table" }]);
  });

  test("whose request goes beyond the end: CodecError", () => {
    const { body, ...rest } = verdict(1, 0x200);
    const exchange = newExchange([deleteLink(1)], 5);
    expect(() => takeMessage(exchange, { ...rest, body: body.subarray(0, 20) })).toThrow(CodecError);
  });
});

describe("a message is no answer", () => {
  const exchange = newExchange([deleteLink(1), deleteLink(2)], 5);
  test.each([
    ["of another exchange, before", { ...verdict(1, 0), seq: 4 }],
    ["of another exchange, behind", { ...verdict(1, 0), seq: 7 }],
    ["that says NLMSG_NOOP", { ...verdict(1, 0), type: 1 }],
  ])("%s", (_name, message) => {
    expect(takeMessage(exchange, message)).toBe(false);
    expect(exchange.answers).toEqual([undefined, undefined]);
  });

  test("until all are answered", () => {
    expect(takeMessage(exchange, { ...verdict(0, 0x100), seq: 6 })).toBe(false);
    expect(takeMessage(exchange, { ...verdict(0, 0x100), seq: 5 })).toBe(true);
  });
});
