import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../../../lib/cni/json.ts";
import { formatAddress, formatCidr } from "../../../../lib/net/address.ts";
import { dealStatic, type Overrides, parseStatic } from "../../../../plugins/multi-nic/ipam/static.ts";
import { invocationOf } from "../invocation.ts";

interface Given {
  readonly ipam?: JsonObject;
  readonly args?: [string, string][];
  readonly overrides?: Partial<Overrides>;
  readonly nics?: number;
}

function deal({ ipam = {}, args = [], overrides = {}, nics = 1 }: Given): string[] {
  const conf = parseStatic({ type: "static", ...ipam }, invocationOf({}, { args: new Map(args) }), {
    runtimeIps: overrides.runtimeIps ?? [],
    argsIps: overrides.argsIps ?? [],
  });
  return dealStatic(conf, nics).nics.map((addresses) =>
    addresses
      .map(
        ({ cidr, gateway }) => formatCidr(cidr) + (gateway === undefined ? "" : `>${formatAddress(gateway)}`),
      )
      .join(" "),
  );
}

const addresses = [{ address: "10.0.0.1/24", gateway: "10.0.0.254" }, { address: "10.0.1.1/24" }];

const dealt: [title: string, given: Given, nics: string[]][] = [
  ["one NIC gets all addresses", { ipam: { addresses } }, ["10.0.0.1/24>10.0.0.254 10.0.1.1/24"]],
  [
    "several NICs get one each, in order",
    { ipam: { addresses }, nics: 2 },
    ["10.0.0.1/24>10.0.0.254", "10.0.1.1/24"],
  ],
  [
    "each family is dealt by itself",
    { ipam: { addresses: [...addresses, { address: "fd00::1/64" }, { address: "fd01::1/64" }] }, nics: 2 },
    ["10.0.0.1/24>10.0.0.254 fd00::1/64", "10.0.1.1/24 fd01::1/64"],
  ],
  ["no addresses are none for every NIC", { nics: 2 }, ["", ""]],
  [
    "CNI_ARGS IP and GATEWAY append",
    {
      ipam: { addresses: addresses.slice(0, 1) },
      args: [
        ["IP", "10.0.9.1/24,fd00::9/64"],
        ["GATEWAY", "10.0.9.254"],
      ],
    },
    ["10.0.0.1/24>10.0.0.254 10.0.9.1/24>10.0.9.254 fd00::9/64"],
  ],
  [
    "runtimeConfig.ips stand in for the configured ones",
    { ipam: { addresses }, overrides: { runtimeIps: ["10.0.7.1/24"], argsIps: ["10.0.8.1/24"] } },
    ["10.0.7.1/24"],
  ],
  [
    "args.cni.ips stand in for the configured ones",
    { ipam: { addresses }, overrides: { argsIps: ["10.0.8.1/24"] } },
    ["10.0.8.1/24"],
  ],
];

const refused: [title: string, given: Given, message: RegExp][] = [
  [
    "fewer addresses than NICs",
    { ipam: { addresses }, nics: 3 },
    /^ipam\.addresses: 2 IPv4 for 3 NICs \(10\.0\.0\.1\/24, 10\.0\.1\.1\/24\)/,
  ],
  [
    "more addresses than NICs",
    { ipam: { addresses: [...addresses, { address: "10.0.2.1/24" }] }, nics: 2 },
    /^ipam\.addresses: 3 IPv4 for 2 NICs/,
  ],
  [
    "an address without a prefix length",
    { ipam: { addresses: [{ address: "10.0.0.1" }] } },
    /^ipam\.addresses\.address: "10\.0\.0\.1" is not an address with its prefix length/,
  ],
  [
    "a gateway that is none",
    { ipam: { addresses: [{ address: "10.0.0.1/24", gateway: "x" }] } },
    /^ipam\.addresses\.gateway: "x" is not an address/,
  ],
  ["a CNI_ARGS IP that is none", { args: [["IP", "10.0.0.300/24"]] }, /^CNI_ARGS IP: "10\.0\.0\.300\/24"/],
  ["addresses that are no list", { ipam: { addresses: {} } }, /^ipam\.addresses: \{\} is not a list/],
];

describe("static, in this process", () => {
  test.each(dealt)("%s", (_title, given, nics) => {
    expect(deal(given)).toEqual(nics);
  });

  test.each(refused)("refuses %s", (_title, given, message) => {
    expect(() => deal(given)).toThrow(
      expect.objectContaining({ code: 7, message: expect.stringMatching(message) }),
    );
  });
});
