import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "fuzz-client-"));
const fuzzer = join(folder, "fuzz-client");
afterAll(() => rmSync(folder, { recursive: true }));

beforeAll(() => {
  const flags = [
    "-g",
    "-O1",
    "-std=gnu17",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover",
    "-DDRIVER",
  ];
  execFileSync("cc", [...flags, "-o", fuzzer, join(import.meta.dirname, "fuzz-client.c")]);
});

// libFuzzer, which goes by coverage, does the same in scripts/reliability.sh fuzz-client.
test.each([1, 2, 3])(
  "20,000 answers, words and requests of every shape do the client no harm (seed %i)",
  (seed) => {
    expect(execFileSync(fuzzer, ["20000", String(seed)], { encoding: "utf8" })).toBe("20000 inputs\n");
  },
);
