import { linkSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { fileId } from "../../../lib/linux/file-id.ts";

function twoFiles(): { one: string; other: string } {
  const folder = mkdtempSync(join(tmpdir(), "file-id-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [one, other] = [join(folder, "one"), join(folder, "other")];
  for (const path of [one, other]) writeFileSync(path, "the same");
  return { one, other };
}

test("each file has one of its own, which goes along with it", () => {
  const { one, other } = twoFiles();
  const id = fileId(one);
  expect(id).toMatch(/^\d+:\d+$/);
  expect(fileId(other)).not.toBe(id);
  renameSync(one, other);
  expect(fileId(other)).toBe(id);
  linkSync(other, one);
  expect(fileId(one)).toBe(id);
});

test("where no file is, there is none", () => {
  const { one } = twoFiles();
  expect(fileId(`${one}-not`)).toBeUndefined();
  expect(fileId(join(one, "below"))).toBeUndefined();
});

test("where it cannot be told, that is said", () => {
  const { one } = twoFiles();
  expect(() => fileId(one + "x".repeat(256))).toThrow("ENAMETOOLONG");
});
