import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { hasIntegrity } from "../../scripts/build/npm-node.ts";

const folder = mkdtempSync(join(tmpdir(), "npm-node-"));
afterAll(() => rmSync(folder, { recursive: true }));

// printf abc | openssl dgst -sha512 -binary | base64 (the test vector of FIPS 180-4)
const abc = "sha512-3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==";

describe("the check of a package against package-lock.json", () => {
  it.each([
    { name: "accepts the file that was locked", content: "abc", accepted: true },
    { name: "refuses another one", content: "abd", accepted: false },
    { name: "refuses one cut short", content: "ab", accepted: false },
  ])("$name", ({ content, accepted }) => {
    const file = join(folder, "package.tgz");
    writeFileSync(file, content);
    expect(hasIntegrity(file, abc)).toBe(accepted);
  });
});
