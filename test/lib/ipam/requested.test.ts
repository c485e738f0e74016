import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../../lib/cni/json.ts";
import { computeBlocks } from "../../../lib/ipam/blocks.ts";
import { leaseRequests, requestedAddresses } from "../../../lib/ipam/requested.ts";
import { formatAddress, parseCidr } from "../../../lib/net/address.ts";

const blocks = computeBlocks(
  {
    subnets: [parseCidr("192.168.0.0/16"), parseCidr("fd00::/48")],
    interfaceBlock: 2,
    hostBlock: 6,
    excludes: [],
    hostIndex: 1,
  },
  [0, 1],
);

function asked(ip: string | undefined, conf: JsonObject = {}) {
  return requestedAddresses({ args: new Map(ip === undefined ? [] : [["IP", ip]]), conf });
}

describe("requested addresses", () => {
  test.each([
    ["come from CNI_ARGS", "192.168.1.5,fd00::5", {}, ["192.168.1.5", "fd00::5"]],
    ["come from args.cni.ips", undefined, { args: { cni: { ips: ["192.168.1.5"] } } }, ["192.168.1.5"]],
    [
      "come from runtimeConfig.ips",
      undefined,
      { runtimeConfig: { ips: ["192.168.1.5/18"] } },
      ["192.168.1.5"],
    ],
    [
      "come from all of them, each once",
      "192.168.1.5",
      { args: { cni: { ips: ["192.168.1.6"] } }, runtimeConfig: { ips: ["192.168.1.5/18"] } },
      ["192.168.1.5", "192.168.1.6"],
    ],
    ["may be none", "", { args: { cni: { nics: 2 } }, runtimeConfig: {} }, []],
    ["may be spaced", " 192.168.1.5 , fd00::5 ", {}, ["192.168.1.5", "fd00::5"]],
  ])("%s", (_, ip, conf, expected) => {
    expect(asked(ip, conf).map(({ address }) => formatAddress(address))).toEqual(expected);
  });

  test.each([
    ["in CNI_ARGS", "192.168.1", {}, 'CNI_ARGS IP: "192.168.1" is not an IP address'],
    ["in args.cni.ips", undefined, { args: { cni: { ips: ["x"] } } }, 'args.cni.ips: "x"'],
    [
      "in runtimeConfig.ips",
      undefined,
      { runtimeConfig: { ips: ["192.168.1.5/33"] } },
      'runtimeConfig.ips: "192.168.1.5/33"',
    ],
    ["as a number", undefined, { runtimeConfig: { ips: [5] } }, "runtimeConfig.ips[0]: 5 is not"],
  ])("that are none are refused %s", (_, ip, conf, message) => {
    expect(() => asked(ip, conf)).toThrow(
      expect.objectContaining({ code: 7, message: expect.stringContaining(message) }),
    );
  });
});

describe("lease requests", () => {
  const wanted = (ip: string) =>
    leaseRequests(blocks, asked(ip)).map(({ nic, block, requested }) => [
      nic,
      block.family,
      requested === undefined ? "any" : formatAddress(requested),
    ]);

  test.each([
    ["ask for any address of each block when nothing is requested", "", ["any", "any", "any", "any"]],
    ["put an address on the NIC whose block it is of", "192.168.65.7", ["any", "any", "192.168.65.7", "any"]],
    [
      "put several on their NICs, in whatever order",
      "fd00:0:0:4100::7,192.168.1.7",
      ["192.168.1.7", "any", "any", "fd00:0:0:4100::7"],
    ],
    ["take the right prefix length", "192.168.65.7/18", ["any", "any", "192.168.65.7", "any"]],
    [
      "take a single address's prefix length",
      "192.168.65.7/32,fd00:0:0:100::9/128",
      ["any", "fd00:0:0:100::9", "192.168.65.7", "any"],
    ],
  ])("%s", (_, ip, expected) => {
    expect(wanted(ip)).toEqual([
      [0, 4, expected[0]],
      [0, 6, expected[1]],
      [1, 4, expected[2]],
      [1, 6, expected[3]],
    ]);
  });

  test.each([
    ["of another host", "192.168.2.7", "request an address of 192.168.1.0/24 (interface 0)"],
    ["of a NIC that is not attached", "192.168.129.7", '"192.168.129.7" is outside this host\'s blocks'],
    ["of no subnet", "10.0.0.1", '"10.0.0.1" is outside'],
    [
      "beside another of the same block",
      "192.168.1.7,192.168.1.8",
      '"192.168.1.7" and "192.168.1.8" are both of 192.168.1.0/24',
    ],
    ["with a wrong prefix length", "192.168.1.7/24", 'write "192.168.1.7/18" or "192.168.1.7"'],
  ])("refuse an address %s", (_, ip, message) => {
    expect(() => wanted(ip)).toThrow(
      expect.objectContaining({ code: 7, message: expect.stringContaining(message) }),
    );
  });
});
