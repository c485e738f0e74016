import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import * as z from "zod/mini";

/** What is read of a vitest JSON report (vitest/reporters, JsonTestResults). */
const Report = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string(),
      assertionResults: z.array(
        z.object({
          ancestorTitles: z.array(z.string()),
          title: z.string(),
          status: z.string(),
          failureMessages: z.nullish(z.array(z.string())),
        }),
      ),
    }),
  ),
});
type Report = z.infer<typeof Report>;

/** One stage of scripts/test.sh. `report` is what its tests said: "none" for a stage without tests. */
export interface Stage {
  readonly name: string;
  readonly exitCode: number;
  readonly report: Report | "none" | "missing";
  /** A word that the name of at least one passed test has to hold. */
  readonly mustPass?: string | undefined;
}

export interface Summary {
  readonly passed: number;
  readonly failed: readonly string[];
  readonly skipped: readonly string[];
  /** Tests that failed first and passed then, where a stage tries twice, with how they failed; they count as passed. */
  readonly again: readonly string[];
  /** For each stage with a `mustPass`, how many tests passed that name it. */
  readonly notes: readonly string[];
}

/** Sums the stages. A stage that failed in another way than by a test counts as one failed. */
export function summarize(stages: readonly Stage[]): Summary {
  const each = stages.map(summarizeStage);
  return {
    passed: each.reduce((sum, { passed }) => sum + passed, 0),
    failed: each.flatMap(({ failed }) => failed),
    skipped: each.flatMap(({ skipped }) => skipped),
    again: each.flatMap(({ again }) => again),
    notes: each.flatMap(({ notes }) => notes),
  };
}

function summarizeStage({ name, exitCode, report, mustPass }: Stage): Summary {
  const results = typeof report === "string" ? [] : report.testResults;
  const tests = results.flatMap((file) =>
    file.assertionResults.map((test) => ({
      status: test.status,
      title: `${name}: ${[file.name, ...test.ancestorTitles, test.title].join(" > ")}`,
      hasFailed: (test.failureMessages ?? []).length > 0,
      why: firstLine(test.failureMessages?.[0]),
    })),
  );
  const passed = tests.filter(({ status }) => status === "passed");
  const failed = tests
    .filter(({ status }) => status === "failed")
    .map((test) => `${test.title}: ${test.why}`);
  const skipped = tests.filter(({ status }) => status !== "passed" && status !== "failed");
  const again = passed.filter(({ hasFailed }) => hasFailed).map((test) => `${test.title}: ${test.why}`);
  for (const file of results.filter(failedAsAWhole)) {
    failed.push(`${name}: ${file.name}: ${firstLine(file.message)}`);
  }
  const naming = passed.filter(({ title }) => mustPass !== undefined && title.includes(mustPass)).length;
  if (report === "missing") failed.push(`${name}: ended with exit code ${exitCode} and left no report`);
  else if (exitCode !== 0 && failed.length === 0) failed.push(`${name}: ended with exit code ${exitCode}`);
  else if (report !== "none" && passed.length + failed.length === 0) failed.push(`${name}: no test ran`);
  else if (mustPass && naming === 0) failed.push(`${name}: no test that names ${mustPass} passed`);
  const notes = mustPass ? [`${name}: ${naming} tests that name ${mustPass} passed`] : [];
  return { passed: passed.length, failed, skipped: skipped.map(({ title }) => title), again, notes };
}

/** A file that could not be loaded, or whose hooks failed: no test of it has failed by itself. */
function failedAsAWhole(file: Report["testResults"][number]): boolean {
  return file.status === "failed" && file.assertionResults.every(({ status }) => status !== "failed");
}

function firstLine(text: string | undefined): string {
  return text?.trim().split("\n")[0] || "see the output above";
}

/** The text for people. The last line is `<n> passed, <n> failed, <n> skipped`. */
export function formatSummary({ passed, failed, skipped, again, notes }: Summary): string {
  return [
    ...skipped.map((title) => `skipped  ${title}`),
    ...again.map((title) => `again    ${title}`),
    ...failed.map((title) => `FAILED   ${title}`),
    ...notes,
    ...(again.length > 0 ? [`${again.length} of those that passed failed at first`] : []),
    `${passed} passed, ${failed.length} failed, ${skipped.length} skipped`,
  ].join("\n");
}

/** Whether all is well: something ran and nothing failed. */
export function isGreen({ passed, failed }: Summary): boolean {
  return passed > 0 && failed.length === 0;
}

/** Reads a row that scripts/test.sh wrote: name, exit code, report beside it or "-", must-pass word or "-". */
function readStage(row: string, folder: string): Stage {
  const [name = "", exitCode = "", report = "-", mustPass = "-"] = row.split("\t");
  const path = join(folder, report);
  const words = { name, exitCode: Number(exitCode), mustPass: mustPass === "-" ? undefined : mustPass };
  if (report === "-") return { ...words, report: "none" };
  return { ...words, report: existsSync(path) ? readReport(path) : "missing" };
}

function readReport(path: string): Report {
  const { testResults } = Report.parse(JSON.parse(readFileSync(path, "utf8")));
  return { testResults: testResults.map((file) => ({ ...file, name: relative(process.cwd(), file.name) })) };
}

/** `node scripts/test-summary.ts STAGES`: prints the sum of the stages listed in a file. */
function main(file: string): void {
  const rows = readFileSync(file, "utf8").split("\n").filter(Boolean);
  const summary = summarize(rows.map((row) => readStage(row, dirname(file))));
  console.log(formatSummary(summary));
  process.exitCode = isGreen(summary) ? 0 : 1;
}

if (import.meta.main) main(process.argv[2] ?? "build/reports/stages");
