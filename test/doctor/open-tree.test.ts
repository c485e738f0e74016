import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openTree } from "../../doctor/open-tree.ts";
import { capturedPrograms, runProgram } from "../../doctor/programs.ts";
import { writeTree } from "./captured.ts";

const treeAt = (root: string) => openTree(root, capturedPrograms(root));

test("an absolute link leads within the root, as chroot(2) has it", () => {
  const tree = treeAt(writeTree({ "/var/run": { link: "/run" }, "/run/a": "inside" }));
  expect(tree.text("/var/run/a")).toBe("inside");
});

test.each(["../../../../../../etc/hostname", "/etc/hostname"])(
  "a link to %s does not lead out of the root",
  (link) => {
    const tree = treeAt(writeTree({ "/a": { link } }));
    expect(tree.text("/a")).toBeUndefined();
    expect(tree.text("/../../../../../../etc/hostname")).toBeUndefined();
  },
);

test("a link to itself is as if it were not there", () => {
  expect(treeAt(writeTree({ "/a": { link: "a" } })).text("/a")).toBeUndefined();
});

test("a FIFO is not waited for", () => {
  const root = writeTree({});
  execFileSync("mkfifo", [join(root, "a.conf")]);
  expect(treeAt(root).text("/a.conf")).toBeUndefined();
  expect(treeAt(root).digest("/a.conf")).toBeUndefined();
});

test("of an endless file a MiB is read", () => {
  const root = writeTree({});
  writeFileSync(join(root, "log"), "x".repeat(3 * 1024 * 1024));
  expect(treeAt(root).text("/log")).toHaveLength(1024 * 1024);
});

test("a program is run once, however often it is asked for", async () => {
  let runs = 0;
  const tree = openTree("/", async () => ({ stdout: String(++runs) }));
  await Promise.all([tree.output("a", ["b"]), tree.output("a", ["b"])]);
  expect(await tree.output("a", ["b"])).toEqual({ stdout: "1" });
  expect(await tree.output("a", ["c"])).toEqual({ stdout: "2" });
});

test("a captured tree has programs' output in files named by the command", async () => {
  const root = writeTree({});
  mkdirSync(join(root, ".commands"));
  writeFileSync(join(root, ".commands/_opt_cni_bin_multi-nic --version"), "multi-nic 1\n");
  expect(await treeAt(root).output("/opt/cni/bin/multi-nic", ["--version"])).toEqual({
    stdout: "multi-nic 1\n",
  });
});

test.each([
  [
    "one that is not installed",
    "no-such-program",
    [],
    { failure: "no-such-program is not installed", missing: true },
  ],
  ["one that fails", "sh", ["-c", "echo sh: why >&2; exit 3"], { failure: "sh: why", missing: false }],
  ["one that answers", "echo", ["a"], { stdout: "a" }],
])("of programs, %s", async (_, program, args, output) => {
  expect(await runProgram(program, args)).toEqual(output);
});
