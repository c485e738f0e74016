import { describe, expect, test } from "vitest";
import { parseCidr } from "../../../../lib/net/address.ts";
import { decodeRule, deleteRule, newRule, type Rule } from "../../../../lib/netlink/message/rule.ts";

const rules: readonly (readonly [string, Rule])[] = [
  ["for one address", { family: 4, src: parseCidr("10.1.0.5/32"), table: 1000, priority: 1000, protocol: 4 }],
  ["for a network", { family: 4, src: parseCidr("10.1.0.0/24"), table: 200, priority: 1, protocol: 4 }],
  [
    "for IPv6",
    { family: 6, src: parseCidr("fd00::5/128"), table: 0xffffffff, priority: 32765, protocol: 255 },
  ],
  ["for all sources", { family: 6, table: 255, priority: 1000, protocol: 4 }],
];

describe("a rule comes back as it was asked for", () => {
  test.each(rules)("%s", (_name, rule) => {
    expect(decodeRule(newRule(rule))).toEqual({ ...rule, action: 1 });
  });
});

test("a rule for 0.0.0.0/0 is one for all sources", () => {
  const rule = { family: 4, table: 200, priority: 1, protocol: 4 } as const;
  expect(newRule({ ...rule, src: parseCidr("0.0.0.0/0") }).body).toEqual(newRule(rule).body);
});

test("a rule without FRA_PRIORITY, such as the local table's, has priority 0", () => {
  const body = Uint8Array.of(2, 0, 0, 0, 255, 0, 0, 1, 0, 0, 0, 0);
  expect(decodeRule({ body })).toEqual({ family: 4, table: 255, priority: 0, protocol: 0, action: 1 });
});

describe("labels name priority, source and table", () => {
  test.each([
    [rules[0]?.[1], "1000: from 10.1.0.5/32 lookup 1000"],
    [rules[3]?.[1], "1000: from all lookup 255"],
  ])("%#", (rule, text) => {
    expect(rule && newRule(rule).label).toBe(`add rule ${text}`);
    expect(rule && deleteRule(rule).label).toBe(`delete rule ${text}`);
  });
});
