import { expect, test } from "vitest";
import { byCount, spread } from "../../bench/measure.ts";
import { measured } from "./measured.ts";

test.each([
  { title: "one sample is all its shares", samples: [3], is: { p10: 3, median: 3, p90: 3 } },
  { title: "the order does not matter", samples: [5, 1, 3], is: { p10: 1.4, median: 3, p90: 4.6 } },
  {
    title: "a share between two samples is between them",
    samples: [1, 2],
    is: { p10: 1.1, median: 1.5, p90: 1.9 },
  },
])("spread: $title", ({ samples, is }) => {
  const found = spread(samples);
  for (const key of ["p10", "median", "p90"] as const) expect(found[key]).toBeCloseTo(is[key]);
});

test("what alternated under one title is told apart by the counts in its names", () => {
  const [first] = measured;
  if (first === undefined) throw new Error("nothing measured");
  const { go, daemon } = first.times;
  if (go === undefined || daemon === undefined) throw new Error("a contestant is missing");
  const together = { ...first, times: { "go, 10": go, "daemon, 10": daemon, "go, 1000": daemon } };
  expect(byCount(together, [10, 1000])).toEqual([
    { title: "10", nics: 1, times: { go, daemon } },
    { title: "1000", nics: 1, times: { go: daemon } },
  ]);
});
