import { expect, test } from "vitest";
import { parseArguments, UsageError } from "../../../lib/cli/arguments.ts";

const options = { json: { type: "boolean" }, root: { type: "string" } } as const;

test("gives values and positionals", () => {
  const { values, positionals } = parseArguments({
    args: ["--root", "/r", "node"],
    options,
    allowPositionals: true,
  });
  expect({ ...values, positionals }).toEqual({ root: "/r", positionals: ["node"] });
});

test.each([
  ["an unknown option", ["--rot", "/r"]],
  ["an option without its value", ["--root"]],
  ["a value of an option that has none", ["--json=yes"]],
  ["a positional where there is none", ["node"]],
])("refuses %s", (_, args) => {
  expect(() => parseArguments({ args, options })).toThrow(UsageError);
});
