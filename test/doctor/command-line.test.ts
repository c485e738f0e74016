import { expect, test } from "vitest";
import { type Command, parseCommand } from "../../doctor/command-line.ts";
import { UsageError } from "../../lib/cli/arguments.ts";

const common = { json: false, root: "/" };

test.each<[args: string[], command: Command]>([
  [[], { ...common, verb: "examine", role: "node" }],
  [["dpu", "--root", "/host", "--json"], { verb: "examine", role: "dpu", json: true, root: "/host" }],
  [["host", "--pf", "p0"], { ...common, verb: "examine", role: "host", pf: "p0" }],
  [["manifests", "a", "b"], { ...common, verb: "manifests", files: ["a", "b"] }],
  [["explain"], { ...common, verb: "explain", subject: undefined, namespace: undefined }],
  [
    ["explain", "Failed", "to", "x"],
    { ...common, verb: "explain", subject: "Failed to x", namespace: undefined },
  ],
  [["explain", "web", "-n", "shop"], { ...common, verb: "explain", subject: "web", namespace: "shop" }],
  [["--plan-vfs", "3", "--pf", "p0"], { ...common, verb: "plan-vfs", count: 3, pf: "p0", apply: false }],
  [["--plan-vfs=3", "--pf=p0", "--apply"], { ...common, verb: "plan-vfs", count: 3, pf: "p0", apply: true }],
  [["--help", "whatever"], { verb: "help" }],
  [["--version"], { verb: "version" }],
])("%j", (args, command) => {
  expect(parseCommand(args)).toEqual(command);
});

test.each([
  [["bogus"], /"bogus" is not node, host, dpu, manifests or explain/],
  [["dpu", "host"], /"host" after dpu/],
  [["--bogus"], /--bogus/],
  [["manifests"], /name the YAML files/],
  [["--plan-vfs", "three", "--pf", "p0"], /"three" is not a number/],
  [["--plan-vfs", "3"], /--pf NAME/],
  [["host", "--plan-vfs", "3", "--pf", "p0"], /"host" does not go with --plan-vfs/],
  [["--apply"], /--apply goes with --plan-vfs/],
])("%j is refused", (args, said) => {
  expect(() => parseCommand(args)).toThrow(UsageError);
  expect(() => parseCommand(args)).toThrow(said);
});
