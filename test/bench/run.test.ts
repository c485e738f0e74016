import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { measured } from "./measured.ts";

const folder = mkdtempSync(join(tmpdir(), "bench-"));
afterAll(() => rmSync(folder, { recursive: true }));

const bench = (...args: string[]) =>
  spawnSync(process.execPath, [join(import.meta.dirname, "../../bench/run.ts"), ...args], {
    encoding: "utf8",
  });

test.each([
  { args: ["--only", "nics,all"], says: '--only: "all" is not a scenario' },
  { args: ["--rounds", "0"], says: '--rounds: "0" is not a whole number from 1 to 10000' },
  { args: ["--nics", "1,16"], says: '--nics: "16" is not a whole number from 1 to 8' },
  { args: ["--kind", "bridge"], says: '--kind: "bridge" is not macvlan or ipvlan' },
  { args: ["--fast"], says: "Unknown option '--fast'" },
])("$args is refused with the usage", ({ args, says }) => {
  const { status, stderr } = bench(...args);
  expect(stderr).toContain(says);
  expect(stderr).toContain("Usage: node bench/run.ts");
  expect(status).toBe(64);
});

test("an earlier run is printed and drawn again without measuring", () => {
  const from = join(folder, "results.json");
  const drawn = join(folder, "plot.svg");
  writeFileSync(from, JSON.stringify({ rounds: 30, nics: measured }));
  const { status, stdout } = bench("--from", from, "--plot", drawn);
  expect(stdout).toContain("| 8 × ADD | 64.0 (76.8) | 30.0 (36.0), 0.47 | 4.0 (4.8), 0.06 |");
  expect(readFileSync(drawn, "utf8")).toContain("<svg");
  expect(status).toBe(0);
});
