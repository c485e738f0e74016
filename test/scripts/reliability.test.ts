import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

const script = join(import.meta.dirname, "../../scripts/reliability.sh");
/** Words before --help are looked at first. */
const run = (...words: string[]) => spawnSync(script, [...words, "--help"], { encoding: "utf8" });

const usage = run().stdout;
const parts = [...usage.matchAll(/^ {2}([a-z-]+) {2,}\S/gm)].map(([, part = ""]) => part);

describe("reliability.sh", () => {
  test("its usage names parts", () => expect(parts).toContain("faults"));
  test.each(parts)("takes the part %s that its usage names", (part) => {
    expect(run(part)).toMatchObject({ status: 0, stdout: usage, stderr: "" });
  });
  test("takes no other", () => {
    expect(run("all")).toMatchObject({ status: 64, stdout: "", stderr: usage });
  });
});
