import { expect, test } from "vitest";
import { plot } from "../../bench/plot.ts";
import { printTables } from "../../bench/table.ts";
import { measured } from "./measured.ts";

test("a table has a row for each number of NICs and verb, with ratios to Go", () => {
  expect(printTables({ rounds: 30, nics: [...measured] }).split("\n")).toEqual(
    expect.arrayContaining([
      "| NICs × verb | Go 1.1.1 | multi-nic, standalone | multi-nic, daemon |",
      "| 1 × ADD | 8.0 (9.6) | 30.0 (36.0), 3.75 | 4.0 (4.8), 0.50 |",
      "| 8 × DEL | 160.0 (192.0) | 40.0 (48.0), 0.25 | 16.0 (19.2), 0.10 |",
    ]),
  );
});

test("a burst says how many calls were not the daemon's", () => {
  const rate = { p10: 1, median: 100, p90: 2 };
  const rates = { go: { ADD: rate, DEL: rate }, daemon: { ADD: rate, DEL: { ...rate, median: 250 } } };
  const text = printTables({
    rounds: 30,
    burst: { pods: 50, rounds: 10, fallbacks: { calls: 1100, left: 3 }, rates },
  });
  expect(text).toContain("| DEL | 100 (1) | 250 (1), 2.50 |");
  expect(text).toContain("left 3 of 1100 calls");
});

test("a plot has a line for each contestant in both panels, and nothing that is not a number", () => {
  const svg = plot(measured);
  expect(svg.match(/stroke-width="2"/g)).toHaveLength(6);
  expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg"/);
});

test("nothing measured cannot be drawn", () => {
  expect(() => plot([])).toThrow(/--only nics/);
});
