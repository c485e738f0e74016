import { describe, expect, test } from "vitest";
import { formatSummary, isGreen, type Stage, summarize } from "../../scripts/test-summary.ts";

type TestRow = readonly [title: string, status: string, failure?: string];

/** A stage with one file of tests below `describe("subject")`. */
function stage(rows: readonly TestRow[], more: Partial<Stage> & { message?: string } = {}): Stage {
  const assertionResults = rows.map(([title, status, failure]) => ({
    ancestorTitles: ["subject"],
    title,
    status,
    failureMessages: failure === undefined ? [] : [failure],
  }));
  const fails = more.message !== undefined || rows.some(([, status]) => status === "failed");
  const file = {
    name: "a.test.ts",
    status: fails ? "failed" : "passed",
    message: more.message ?? "",
    assertionResults,
  };
  return { name: "unit", exitCode: fails ? 1 : 0, report: { testResults: [file] }, ...more };
}

describe("the sum of several runs", () => {
  test("adds up what passed, failed and was skipped, in one last line", () => {
    const summary = summarize([
      stage([
        ["adds", "passed"],
        ["takes", "skipped"],
      ]),
      stage(
        [
          ["adds", "passed"],
          ["parts", "failed", "Error: 1 is not 2\n  at x"],
          ["is to be", "todo"],
        ],
        { name: "uml" },
      ),
    ]);
    expect(formatSummary(summary).split("\n")).toEqual([
      "skipped  unit: a.test.ts > subject > takes",
      "skipped  uml: a.test.ts > subject > is to be",
      "FAILED   uml: a.test.ts > subject > parts: Error: 1 is not 2",
      "2 passed, 1 failed, 2 skipped",
    ]);
    expect(isGreen(summary)).toBe(false);
  });

  test("names what failed at first, and how, among what passed", () => {
    const summary = summarize([
      stage(
        [
          ["adds", "passed", "Error: 1 is not 2\n  at x"],
          ["takes", "passed"],
        ],
        { name: "uml" },
      ),
    ]);
    expect(formatSummary(summary).split("\n")).toEqual([
      "again    uml: a.test.ts > subject > adds: Error: 1 is not 2",
      "1 of those that passed failed at first",
      "2 passed, 0 failed, 0 skipped",
    ]);
    expect(isGreen(summary)).toBe(true);
  });

  test("is green when something passed and nothing failed", () => {
    expect(isGreen(summarize([stage([["adds", "passed"]])]))).toBe(true);
  });

  test("is not green when there were no stages", () => {
    expect(isGreen(summarize([]))).toBe(false);
  });

  const build: Stage = { name: "build", exitCode: 0, report: "none" };
  test.each([
    {
      what: "a stage without tests that failed",
      bad: { ...build, exitCode: 2 },
      failure: "build: ended with exit code 2",
    },
    {
      what: "a run that left no report",
      bad: { ...build, exitCode: 125, report: "missing" as const },
      failure: "build: ended with exit code 125 and left no report",
    },
    {
      what: "a run in which every test was skipped",
      bad: stage([["adds", "skipped"]]),
      failure: "unit: no test ran",
    },
    {
      what: "a run whose tests passed but which ended with an error",
      bad: stage([["adds", "passed"]], { exitCode: 1 }),
      failure: "unit: ended with exit code 1",
    },
    {
      what: "a file that could not be loaded",
      bad: stage([], { message: "Error: no such module\n  at y" }),
      failure: "unit: a.test.ts: Error: no such module",
    },
    {
      what: "a run in which no test naming the wanted word passed",
      bad: stage(
        [
          ["ipvlan", "skipped"],
          ["macvlan", "passed"],
        ],
        { mustPass: "ipvlan" },
      ),
      failure: "unit: no test that names ipvlan passed",
    },
  ])("counts $what as one failed", ({ bad, failure }) => {
    const summary = summarize([stage([["adds", "passed"]]), build, bad]);
    expect(summary.failed).toEqual([failure]);
    expect(isGreen(summary)).toBe(false);
  });

  test("says how many tests passed that name the wanted word", () => {
    const summary = summarize([
      stage(
        [
          ["ipvlan l2", "passed"],
          ["ipvlan l3", "passed"],
        ],
        { mustPass: "ipvlan" },
      ),
    ]);
    expect(summary.notes).toEqual(["unit: 2 tests that name ipvlan passed"]);
    expect(isGreen(summary)).toBe(true);
  });
});
