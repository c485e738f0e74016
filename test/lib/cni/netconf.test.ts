import { describe, expect, test } from "vitest";
import * as z from "zod/mini";
import type { CniError } from "../../../lib/cni/error.ts";
import { NetConf, parseConf } from "../../../lib/cni/netconf.ts";

describe("what all configurations share", () => {
  test("is read, and a plugin's own keys stay", () => {
    const conf = {
      cniVersion: "1.0.0",
      name: "n",
      type: "multi-nic",
      ipam: { type: "host-local", subnet: "10.0.0.0/8" },
      dns: { nameservers: ["10.0.0.1"], search: ["a.b"] },
      prevResult: { ips: [] },
      args: { cni: { nics: 2 } },
      runtimeConfig: { ips: ["10.0.0.5/8"], mac: "02:00:00:00:00:01", deviceID: "0000:01:00.1" },
      "cni.dev/valid-attachments": [{ containerID: "a", ifname: "net1" }],
      mode: "l3",
    };
    expect(parseConf(NetConf(), conf)).toEqual(conf);
  });

  test("is matched in any case", () => {
    const conf = { NAME: "n", RuntimeConfig: { IPs: ["1"], MAC: "m", deviceid: "d" } };
    expect(parseConf(NetConf(), conf)).toEqual({
      name: "n",
      runtimeConfig: { ips: ["1"], mac: "m", deviceID: "d" },
    });
  });

  test("may be null, as upstream's operator writes it", () => {
    const conf = {
      name: "n",
      ipam: null,
      dns: null,
      args: { cni: null },
      runtimeConfig: null,
      prevResult: null,
    };
    expect(parseConf(NetConf(), conf)).toEqual({ name: "n", args: {} });
  });
});

const Conf = z.looseObject({
  mode: z.enum(["l2", "l3"]),
  kind: z.optional(z.literal("ipvlan")),
  mtu: z.optional(z.int().check(z.minimum(68), z.maximum(9000))),
  masters: z.optional(z.array(z.string())),
  either: z.optional(z.union([z.string(), z.array(z.string())])),
  ipam: z.optional(z.looseObject({ type: z.string() })),
  blocks: z.optional(z.array(z.number()).check(z.maxLength(1))),
  mac: z.optional(
    z
      .string()
      .check(z.refine((mac) => mac.includes(":"), "is not a MAC address; write it as 02:00:00:00:00:01")),
  ),
  strict: z.optional(z.strictObject({ a: z.optional(z.string()) })),
  flag: z.optional(z.boolean()),
});

describe("one error names key, value and what is wanted", () => {
  test.each([
    ["a value that is none of the choices", { mode: "l4" }, 'mode: "l4" is not one of "l2", "l3"'],
    ["a key that is missing", {}, 'mode: missing; give one of "l2", "l3"'],
    ["another literal", { mode: "l2", kind: "vlan" }, 'kind: "vlan" is not "ipvlan"'],
    ["text for a number", { mode: "l2", mtu: "1500" }, 'mtu: "1500" is not a number'],
    ["a fraction", { mode: "l2", mtu: 1500.5 }, "mtu: 1500.5 is not a whole number"],
    ["too little", { mode: "l2", mtu: 3 }, "mtu: 3 is not at least 68"],
    ["too much", { mode: "l2", mtu: 99999 }, "mtu: 99999 is not at most 9000"],
    ["an entry of a list", { mode: "l2", masters: ["eth0", 5] }, "masters[1]: 5 is not text"],
    ["text for a list", { mode: "l2", masters: "eth0" }, 'masters: "eth0" is not a list'],
    ["neither side of a union", { mode: "l2", either: 5 }, "either: 5 is not text or a list"],
    ["a nested key that is missing", { mode: "l2", ipam: {} }, "ipam.type: missing; give text"],
    ["too many entries", { mode: "l2", blocks: [1, 2] }, "blocks: [1,2] is not at most 1 entries long"],
    [
      "a check with words of its own",
      { mode: "l2", mac: "x" },
      'mac: "x" is not a MAC address; write it as 02:00:00:00:00:01',
    ],
    [
      "keys that may not be there",
      { mode: "l2", strict: { b: 1 } },
      'strict: unknown keys "b"; leave them out',
    ],
    ["no truth value", { mode: "l2", flag: "yes" }, 'flag: "yes" is not true or false'],
    [
      "all that is wrong at once",
      { mode: 1, mtu: "a" },
      'mode: 1 is not one of "l2", "l3"; mtu: "a" is not a number',
    ],
    ["a document that is no object", 5, "the configuration: 5 is not an object"],
  ])("%s", (_, conf, message) => {
    expect(() => parseConf(Conf, conf)).toThrow(
      expect.objectContaining({ name: "CniError", code: 7, message }),
    );
  });

  test("under the key that it was found at", () => {
    expect(() => parseConf(Conf, { mode: 1 }, "plugin")).toThrow('plugin.mode: 1 is not one of "l2", "l3"');
    expect(() => parseConf(Conf, 1, "plugin")).toThrow("plugin: 1 is not an object");
  });

  test("and a long value is cut", () => {
    try {
      parseConf(Conf, { mode: "x".repeat(10_000) });
      expect.unreachable();
    } catch (error) {
      expect((error as CniError).message.length).toBeLessThan(200);
    }
  });
});
