import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isOwnNetns, namespaceId } from "../../../lib/linux/namespace-id.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "namespace-id-"));
  symlinkSync("loop", join(folder, "loop"));
});
afterAll(() => rmSync(folder, { recursive: true }));

test("is undefined, and not our own, where nothing is there", () => {
  expect(namespaceId(join(folder, "missing"))).toBeUndefined();
  expect(isOwnNetns(join(folder, "missing"))).toBe(false);
  expect(isOwnNetns("/proc/self/ns/net")).toBe(true);
});

test.each<[string, () => string, string]>([
  ["a link that leads to itself", () => join(folder, "loop"), "ELOOP"],
  ["a path that is too long", () => `/${"x/".repeat(4000)}`, "ENAMETOOLONG"],
  ["a path with a zero byte", () => "/run/netns/a\0b", "ERR_INVALID_ARG_VALUE"],
])("%s is the caller's error, named with its path", (_, path, code) => {
  for (const look of [namespaceId, isOwnNetns]) {
    expect(() => look(path())).toThrow(
      expect.objectContaining({
        name: "CniError",
        code: 4,
        message: expect.stringMatching(`^CNI_NETNS: "/.*" cannot be looked at \\(${code}\\)`),
      }),
    );
  }
});
