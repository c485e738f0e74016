import { describe, expect, test } from "vitest";
import { networkOf, parseJsonObject, valueIn, versionIn } from "../../../lib/cni/conf.ts";

describe("stdin holds exactly one JSON object", () => {
  test.each([
    ["nothing", ""],
    ["blanks", " \n"],
    ["a document cut short", '{"name": "n"'],
    ["trailing bytes", '{"name": "n"} x'],
    ["two documents", '{"name": "n"}{"name": "m"}'],
    ["a zero byte after it", '{"name": "n"}\0'],
    ["a byte order mark", '\ufeff{"name": "n"}'],
    ["a list", '[{"name": "n"}]'],
    ["a text", '"name"'],
    ["null", "null"],
  ])("%s is code 6", (_, text) => {
    expect(() => parseJsonObject(text)).toThrow(expect.objectContaining({ code: 6 }));
  });

  test("blanks around it are not looked at", () => {
    expect(parseJsonObject('\n {"name": "n"}\n')).toEqual({ name: "n" });
  });
});

describe("the name", () => {
  test.each(["n", "multi-nic_1.net", "0"])("%s is let pass", (name) => {
    expect(networkOf({ name })).toBe(name);
  });

  test.each([
    ["missing", {}, "missing network name"],
    ["null", { name: null }, "missing network name"],
    ["empty", { name: "" }, "missing network name"],
    ["with a slash", { name: "a/b" }, "invalid characters found in network name"],
    ["dots alone", { name: ".." }, "invalid characters found in network name"],
    ["with a line feed at its end", { name: "a\n" }, "invalid characters found in network name"],
  ])("%s is code 7", (_, conf, message) => {
    expect(() => networkOf(conf)).toThrow(expect.objectContaining({ code: 7, message }));
  });

  test("a number is code 6, as in a typed decoder", () => {
    expect(() => networkOf({ name: 5 })).toThrow(expect.objectContaining({ code: 6 }));
  });
});

test.each([
  ["missing", {}, "0.1.0"],
  ["null", { cniVersion: null }, "0.1.0"],
  ["empty", { cniVersion: "" }, "0.1.0"],
  ["there", { cniVersion: "1.0.0" }, "1.0.0"],
  ["spelled in capitals", { CNIVERSION: "1.0.0" }, "1.0.0"],
])("a cniVersion that is %s", (_, conf, version) => {
  expect(versionIn(conf)).toBe(version);
});

test("a cniVersion that is a number is code 6", () => {
  expect(() => versionIn({ cniVersion: 1 })).toThrow(expect.objectContaining({ code: 6 }));
});

test.each([
  ["in any case", { NaMe: 1 }, 1],
  ["the exact spelling before others", { NAME: 1, name: 2, Name: 3 }, 2],
  ["the last of the others", { NAME: 1, Name: 3 }, 3],
  ["null as absent", { name: null }, undefined],
  ["nothing that every object has", {}, undefined],
])("keys are found: %s", (_, json, value) => {
  expect(valueIn(json, "name")).toBe(value);
});

test("a key that every object has is found only where the JSON holds it", () => {
  expect(valueIn({}, "constructor")).toBeUndefined();
  expect(valueIn(parseJsonObject('{"__proto__": {"name": "x"}}'), "name")).toBeUndefined();
});
