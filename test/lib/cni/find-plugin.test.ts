import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findPlugin } from "../../../lib/cni/find-plugin.ts";

let root: string;
let path: string[];
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "path-"));
  path = ["missing", "a", "b"].map((name) => join(root, name));
  for (const folder of ["a/macvlan", "b"]) mkdirSync(join(root, folder), { recursive: true });
  for (const file of ["a/both", "b/both", "b/macvlan"]) writeFileSync(join(root, file), "");
  symlinkSync("both", join(root, "a/linked"));
  symlinkSync("nowhere", join(root, "a/dangling"));
});
afterAll(() => rmSync(root, { recursive: true }));

test.each([
  ["both", "a/both", "the first folder that has it wins"],
  ["macvlan", "b/macvlan", "a folder of that name is passed over"],
  ["linked", "a/linked", "a link to a file is a file"],
])("%s is %s: %s", (type, file) => {
  expect(findPlugin(type, path)).toBe(join(root, file));
});

test.each(["", ".", "..", "../b/both", "/bin/sh", "a/both", "both\0"])("the type %j is refused", (type) => {
  expect(() => findPlugin(type, path)).toThrow(
    expect.objectContaining({ code: 7, message: expect.stringContaining(JSON.stringify(type)) }),
  );
});

test.each(["absent", "dangling"])("%s is not found, and the folders are named", (type) => {
  expect(() => findPlugin(type, path)).toThrow(
    expect.objectContaining({
      code: 102,
      message: expect.stringContaining(`no plugin "${type}" in ${path.join(":")}`),
    }),
  );
});

test("nothing is found in an empty CNI_PATH", () => {
  expect(() => findPlugin("both", [])).toThrow("CNI_PATH, which is empty");
});
