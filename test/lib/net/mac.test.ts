import { describe, expect, test } from "vitest";
import { macBytes, macFromBytes, parseMac } from "../../../lib/net/mac.ts";

describe("parseMac", () => {
  test.each([
    ["colons", "02:00:5e:00:53:01"],
    ["upper case", "02:00:5E:00:53:01"],
    ["hyphens", "02-00-5e-00-53-01"],
  ])("takes %s", (_, text) => {
    expect(parseMac(text)).toBe("02:00:5e:00:53:01");
  });

  test.each([
    ["nothing", ""],
    ["five bytes", "02:00:5e:00:53"],
    ["seven bytes", "02:00:5e:00:53:01:02"],
    ["a digit too few", "2:00:5e:00:53:01"],
    ["mixed separators", "02:00-5e:00:53:01"],
    ["other letters", "02:00:5g:00:53:01"],
    ["all zeros", "00:00:00:00:00:00"],
    ["a multicast address", "01:00:5e:00:00:01"],
    ["the broadcast address", "ff:ff:ff:ff:ff:ff"],
  ])("refuses %s", (_, text) => {
    expect(() => parseMac(text)).toThrow(RangeError);
    expect(() => parseMac(text)).toThrow(`"${text}"`);
  });

  test("and its bytes lead back to it", () => {
    const mac = parseMac("02:00:5E:00:53:01");
    expect([...macBytes(mac)]).toEqual([2, 0, 0x5e, 0, 0x53, 1]);
    expect(macFromBytes(macBytes(mac))).toBe(mac);
  });
});
