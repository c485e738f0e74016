import { printable } from "../lib/cli/table.ts";
import type { Examined } from "./examine.ts";
import { exitCodeOf, type Reported, type Severity, severities } from "./finding.ts";

/** A finding on one line: severity, check, where, what; why it matters; what mends it. */
export function lineOf({ severity, check, where, what, why, mend }: Reported): string {
  const line = `${severity.padEnd(7)}  ${check}  ${where}: ${what}; ${why}${mend === undefined ? "" : `; mend: ${mend}`}`;
  return printable(line);
}

/** The lines of a report, worst last, with a line for each check that found nothing, and the sum. */
export function textOf(examined: readonly Examined[]): string {
  const sound = examined.filter(({ findings }) => findings.length === 0);
  const findings = examined.flatMap(({ findings }) => findings);
  const sorted = [...findings].sort((a, b) => rank(a.severity) - rank(b.severity));
  const lines = [
    ...sound.map(({ id, title }) => `ok       ${id}  ${title}`),
    ...sorted.map(lineOf),
    sumOf(findings),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

/** The same as one JSON document. */
export function jsonReport(about: Readonly<Record<string, unknown>>, examined: readonly Examined[]): string {
  const findings = examined.flatMap(({ findings }) => findings);
  const checks = examined.map(({ id, title, findings }) => ({ id, title, findings: findings.length }));
  const report = { ...about, checks, findings, exitCode: exitCodeOf(findings) };
  return `${JSON.stringify(report, null, 2)}\n`;
}

const rank = (severity: Severity) => severities.indexOf(severity);

function sumOf(findings: readonly Reported[]): string {
  const [notes, warnings, errors] = severities.map(
    (severity) => findings.filter((finding) => finding.severity === severity).length,
  );
  return `${errors} errors, ${warnings} warnings, ${notes} notes`;
}
