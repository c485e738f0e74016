import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../../lib/cni/json.ts";
import { computeBlocks } from "../../../lib/ipam/blocks.ts";
import { interfaceIndexes, parsePool, poolOfHost } from "../../../lib/ipam/pool-conf.ts";
import { formatAddress, formatCidr } from "../../../lib/net/address.ts";

const pathText = "/state/networks/net.json";
const conf = (ipam: JsonObject, top: JsonObject = {}): JsonObject => ({ name: "net", ...top, ipam });
const subnetsOf = (json: JsonObject) => parsePool(json).pool.subnets.map(formatCidr);

describe("parsePool", () => {
  test.each([
    ["takes one subnet", conf({ subnet: "10.0.0.0/8" }), ["10.0.0.0/8"]],
    ["takes one of each family", conf({ subnet: ["10.0.0.0/8", "fd00::/48"] }), ["10.0.0.0/8", "fd00::/48"]],
    ["falls back to the subnet beside ipam", conf({}, { subnet: "10.0.0.0/8" }), ["10.0.0.0/8"]],
    ["prefers that of ipam", conf({ subnet: "10.0.0.0/8" }, { subnet: "11.0.0.0/8" }), ["10.0.0.0/8"]],
    ["matches keys in any case", { name: "net", IPAM: { SUBNET: "10.0.0.0/8" } }, ["10.0.0.0/8"]],
    [
      "takes upstream's empty subnet for none",
      conf({ subnet: "10.0.0.0/8" }, { subnet: "" }),
      ["10.0.0.0/8"],
    ],
  ])("%s", (_, json, expected) => {
    expect(subnetsOf(json)).toEqual(expected);
  });

  test("takes what upstream's operator writes", () => {
    const json = conf(
      {
        type: "multi-nic-ipam",
        hostBlock: 6,
        interfaceBlock: 2,
        excludeCIDRs: ["192.168.0.64/26"],
        vlanMode: "l3",
      },
      { subnet: "192.168.0.0/16", masterNets: null, daemonIP: "", daemonPort: 11000 },
    );
    const { pool, coolDown, interfaceIndex, hostIndex } = parsePool(json);
    expect(pool).toMatchObject({ hostBlock: 6, interfaceBlock: 2 });
    expect(pool.excludes.map(formatCidr)).toEqual(["192.168.0.64/26"]);
    expect({ coolDown, interfaceIndex, hostIndex }).toEqual({
      coolDown: 60,
      interfaceIndex: 0,
      hostIndex: undefined,
    });
  });

  test("takes a gateway for each NIC", () => {
    const ipam = { subnet: "10.0.0.0/24", interfaceBlock: 1, gateway: ["10.0.0.1", "10.0.0.129"] };
    expect(parsePool(conf(ipam)).gateways.map(formatAddress)).toEqual(["10.0.0.1", "10.0.0.129"]);
  });

  test("never hands out the gateway", () => {
    const { pool } = parsePool(conf({ subnet: "10.0.0.0/24", gateway: "10.0.0.1" }));
    const [block] = computeBlocks({ ...pool, hostIndex: 0 }, [0])[0] ?? [];
    expect(block?.excludes).toEqual([{ first: 0x0a000001n, last: 0x0a000001n }]);
  });

  test.each([
    ["no ipam", { name: "net" }, "ipam: missing"],
    ["a subnet that is none", conf({ subnet: "10.0.0.0" }), 'ipam.subnet: "10.0.0.0" has no prefix length'],
    ["a subnet beside ipam that is none", conf({}, { subnet: "ten" }), 'subnet: "ten"'],
    ["a number as subnet", conf({ subnet: 10 }), "ipam.subnet: 10 is not"],
    ["text as hostBlock", conf({ hostBlock: "6" }), 'ipam.hostBlock: "6" is not'],
    ["a negative hostBlock", conf({ hostBlock: -1 }), "ipam.hostBlock: -1"],
    ["a fraction as interfaceBlock", conf({ interfaceBlock: 0.5 }), "ipam.interfaceBlock: 0.5"],
    ["an exclude that is no network", conf({ excludeCIDRs: ["10.0.0.1"] }), 'ipam.excludeCIDRs: "10.0.0.1"'],
    ["a negative coolDown", conf({ coolDown: -1 }), "ipam.coolDown: -1"],
    [
      "a gateway outside",
      conf({ subnet: "10.0.0.0/24", gateway: "10.0.1.1" }),
      'ipam.gateway: "10.0.1.1" is in no subnet',
    ],
    [
      "two gateways for one NIC",
      conf({ subnet: "10.0.0.0/24", interfaceBlock: 1, gateway: ["10.0.0.1", "10.0.0.2"] }),
      'ipam.gateway: "10.0.0.1" and "10.0.0.2" are both in 10.0.0.0/25',
    ],
    ["a route to nowhere", conf({ routes: [{ dst: "default" }] }), 'ipam.routes[0].dst: "default"'],
    [
      "a route's gateway of another family",
      conf({ routes: [{ dst: "10.0.0.0/8", gw: "fd00::1" }] }),
      'ipam.routes[0].gw: "fd00::1"',
    ],
  ] as const)("refuses %s", (_, json, message) => {
    expect(() => parsePool(json)).toThrow(
      expect.objectContaining({ code: 7, message: expect.stringContaining(message) }),
    );
  });
});

describe("the host index", () => {
  const divided = conf({ subnet: "192.168.0.0/16", hostBlock: 6 });

  test.each([
    [
      "is the configuration's",
      conf({ subnet: "192.168.0.0/16", hostBlock: 6, hostIndex: 3 }),
      { hostIndex: 5 },
      3,
    ],
    ["may be 0 there", conf({ subnet: "192.168.0.0/16", hostBlock: 6, hostIndex: 0 }), { hostIndex: 5 }, 0],
    ["is else the node file's", divided, { hostIndex: 5 }, 5],
    ["is not needed where hosts are not told apart", conf({ subnet: "192.168.0.0/16" }), undefined, 0],
  ])("%s", (_, json, nodeFile, expected) => {
    expect(poolOfHost(parsePool(json), nodeFile, pathText).hostIndex).toBe(expected);
  });

  test("is never guessed: the error names both remedies", () => {
    expect(() => poolOfHost(parsePool(divided), undefined, pathText)).toThrow(
      /^ipam\.hostIndex: missing, with ipam\.hostBlock: 6; set it .*\/state\/networks\/net\.json/,
    );
  });

  test("outside the block is refused", () => {
    expect(() => poolOfHost(parsePool(divided), { hostIndex: 64 }, pathText)).toThrow("outside 0..63");
  });
});

describe("interface indexes", () => {
  const eth = (name: string, interfaceIndex: number) => ({ name, interfaceIndex });

  test.each([
    ["are positions without a node file", ["eth2", "eth1"], undefined, [0, 1]],
    ["are positions where it names no masters", ["eth2", "eth1"], { hostIndex: 0 }, [0, 1]],
    [
      "are the node file's for those it names",
      ["eth2", "eth1"],
      { hostIndex: 0, masters: [eth("eth1", 0), eth("eth2", 1)] },
      [1, 0],
    ],
    ["may leave gaps", ["eth9"], { hostIndex: 0, masters: [eth("eth9", 3)] }, [3]],
  ])("%s", (_, masters, nodeFile, expected) => {
    expect(interfaceIndexes(masters, nodeFile)).toEqual(expected);
  });

  test.each([
    [
      "a master the file names and one it does not",
      ["eth1", "eth2"],
      { hostIndex: 0, masters: [eth("eth1", 1)] },
    ],
    ["one master that is named twice", ["eth1", "eth1"], { hostIndex: 0, masters: [eth("eth1", 0)] }],
  ])("never give one block to %s", (_, masters, nodeFile) => {
    expect(() => interfaceIndexes(masters, nodeFile)).toThrow(
      /masters: "eth1" and "eth[12]" both have interface index/,
    );
  });
});
