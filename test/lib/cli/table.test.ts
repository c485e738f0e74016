import { expect, test } from "vitest";
import { aligned, printable } from "../../../lib/cli/table.ts";

test.each([
  [
    "columns are as wide as their widest cells",
    [
      ["A", "B"],
      ["long", "c"],
    ],
    undefined,
    ["A     B", "long  c"],
  ],
  [
    "nothing is behind the last cell that says something",
    [
      ["A", "B"],
      ["x", ""],
    ],
    undefined,
    ["A  B", "x"],
  ],
  ["the gap is as it is asked for", [["A", "B"]], " ", ["A B"]],
  ["no rows are no lines", [], undefined, []],
])("%s", (_, rows, gap, lines) => {
  expect(aligned(rows, gap)).toEqual(lines);
});

test.each([
  ["eth1", "eth1"],
  ["eth1\n\n0: faked", "eth1 0: faked"],
  ["\u001b[2Jeth1\u009b", " [2Jeth1 "],
])("prints %j as %j", (text, shown) => {
  expect(printable(text)).toBe(shown);
});
