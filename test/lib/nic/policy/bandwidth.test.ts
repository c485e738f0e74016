import { describe, expect, test } from "vitest";
import { formatBandwidth, parseBandwidth } from "../../../../lib/nic/policy/bandwidth.ts";

describe("parseBandwidth", () => {
  test.each([
    ["10Gbps", 10_000],
    ["100G", 100_000],
    ["2.5Gbit/s", 2_500],
    ["25000M", 25_000],
    ["8.80Gbits/sec", 8_800],
    ["1 Tb/s", 1_000_000],
    ["500kbit", 0.5],
  ])("takes %s", (text, mbits) => {
    expect(parseBandwidth(text)).toBe(mbits);
  });

  test.each(["", "10", "fast", "10GB", "10GBps", "-1G", "0G", "1e3G", "10 G b", "٣G", `${"9".repeat(40)}G`])(
    'refuses "%s", and says how to write it',
    (text) => {
      expect(() => parseBandwidth(text)).toThrow(/is no bandwidth; write .* like 10Gbps/);
    },
  );
});

test.each([
  [100_000, "100 Gbit/s"],
  [2_500, "2.5 Gbit/s"],
  [500, "500 Mbit/s"],
  [33_333.33, "33.33 Gbit/s"],
])("formatBandwidth writes %d as %s", (mbits, text) => {
  expect(formatBandwidth(mbits)).toBe(text);
});
