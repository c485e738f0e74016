import { describe, expect, test } from "vitest";
import { formatResult } from "../../../lib/cni/format-result.ts";
import { emptyResult, parseResult } from "../../../lib/cni/result.ts";
import { everything, onTheWire, readBack } from "./result-fixtures.ts";

describe("a result is written as its version has it, and nothing newer leaks", () => {
  test.each(onTheWire)("%s", (version, document) => {
    expect(JSON.parse(JSON.stringify(formatResult(everything, version)))).toEqual(document);
  });

  test.each(["0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"])(
    "an empty one of %s is its version and dns",
    (version) => {
      expect(formatResult(emptyResult, version)).toEqual({ cniVersion: version, dns: {} });
    },
  );

  test.each(["0.1.0", "0.2.0"])("%s cannot say a result without an address", (version) => {
    const { interfaces } = everything;
    expect(() => formatResult({ ...emptyResult, interfaces }, version)).toThrow(
      expect.objectContaining({
        code: 7,
        message: `cniVersion: "${version}" has no result without an IP address; use 0.3.0 or newer, or give "ipam" a type`,
      }),
    );
  });

  test("0.2.0 has one family alone, and no routes of the other", () => {
    const ips = [{ address: "10.0.0.5/16" }];
    expect(formatResult({ ...everything, ips, dns: {} }, "0.2.0")).toEqual({
      cniVersion: "0.2.0",
      ip4: { ip: "10.0.0.5/16", routes: [{ dst: "0.0.0.0/0", gw: "10.0.0.1" }] },
      dns: {},
    });
  });

  test("a version that is none of ours is code 1", () => {
    expect(() => formatResult(emptyResult, "2.0.0")).toThrow(expect.objectContaining({ code: 1 }));
  });
});

describe("a result is read in the shape of its version", () => {
  test.each(onTheWire)("%s", (version, document) => {
    const kept = version < "0.3.0" ? "perFamily" : version === "1.1.0" ? "newest" : "lists";
    expect(parseResult(document, "0.1.0")).toEqual(readBack[kept]);
  });

  test.each(onTheWire)("%s by the configuration's version, where it names none", (version, document) => {
    const { cniVersion: _, ...unnamed } = document as Record<string, unknown>;
    expect(parseResult(unnamed, version)).toEqual(parseResult(document, "1.1.0"));
  });

  test("newer fields in an older shape are not read", () => {
    const document = {
      cniVersion: "1.0.0",
      interfaces: [{ name: "a", mtu: 5 }],
      routes: [{ dst: "10.0.0.0/8", table: 5 }],
    };
    expect(parseResult(document, "1.0.0")).toEqual({
      ...emptyResult,
      interfaces: [{ name: "a" }],
      routes: [{ dst: "10.0.0.0/8" }],
    });
  });

  test.each([
    [
      "keys in any case",
      { IPS: [{ Address: "10.0.0.1/8", GATEWAY: "10.0.0.2" }] },
      [{ address: "10.0.0.1/8", gateway: "10.0.0.2" }],
    ],
    [
      "an explicit interface 0",
      { ips: [{ address: "10.0.0.1/8", interface: 0 }] },
      [{ address: "10.0.0.1/8", interface: 0 }],
    ],
    [
      "interface -1 as none",
      { ips: [{ address: "10.0.0.1/8", interface: -1 }] },
      [{ address: "10.0.0.1/8" }],
    ],
    [
      "null as absent",
      { ips: [{ address: "10.0.0.1/8", interface: null, gateway: null }], routes: null, dns: null },
      [{ address: "10.0.0.1/8" }],
    ],
    [
      "an empty gateway as none",
      { ips: [{ address: "fd00::1/64", gateway: "" }] },
      [{ address: "fd00::1/64" }],
    ],
  ])("%s", (_, document, ips) => {
    expect(parseResult(document, "1.0.0")).toEqual({ ...emptyResult, ips });
  });

  test.each([
    ["no object", 5, "prevResult: 5 is not an object"],
    ["a list that is none", { ips: {} }, "prevResult.ips: {} is not a list"],
    [
      "an address without a prefix length",
      { ips: [{ address: "10.0.0.1" }] },
      'prevResult.ips[0].address: "10.0.0.1" is not an address with its prefix length, like 10.0.0.1/24',
    ],
    [
      "a prefix too long",
      { ips: [{ address: "10.0.0.1/33" }] },
      'prevResult.ips[0].address: "10.0.0.1/33" is not an address with its prefix length, like 10.0.0.1/24',
    ],
    [
      "no address",
      { ips: [{}] },
      "prevResult.ips[0].address: missing; it must be an address with its prefix length, like 10.0.0.1/24",
    ],
    [
      "a gateway that is none",
      { ips: [{ address: "10.0.0.1/8", gateway: "gw" }] },
      'prevResult.ips[0].gateway: "gw" is not an IP address',
    ],
    [
      "an index that is none",
      { ips: [{ address: "10.0.0.1/8", interface: 0.5 }] },
      "prevResult.ips[0].interface: 0.5 is not a whole number",
    ],
    ["a nameless interface", { interfaces: [{}] }, "prevResult.interfaces[0].name: missing; it must be text"],
    [
      "nameservers that are no list",
      { dns: { nameservers: "a" } },
      'prevResult.dns.nameservers: "a" is not a list of text',
    ],
    ["a cniVersion that is no text", { cniVersion: 1 }, "prevResult.cniVersion: 1 is not text"],
  ])("%s is code 6, named by its key", (_, document, message) => {
    expect(() => parseResult(document, "1.0.0")).toThrow(expect.objectContaining({ code: 6, message }));
  });

  test("a version that is none of ours is code 1", () => {
    expect(() => parseResult({ cniVersion: "9.0.0" }, "1.0.0")).toThrow(expect.objectContaining({ code: 1 }));
  });
});
