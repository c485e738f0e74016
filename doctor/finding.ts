/** How bad a finding is, from what one should know to what keeps pods from starting. */
export const severities = ["note", "warning", "error"] as const;
export type Severity = (typeof severities)[number];

/** Something that a check found: what is so, where, why it matters, and the command or edit that mends it. */
export interface Finding {
  readonly severity: Severity;
  readonly where: string;
  readonly what: string;
  readonly why: string;
  readonly mend?: string;
}

/** A finding with the id of the check, or of the rule, that found it. */
export interface Reported extends Finding {
  readonly check: string;
}

type Make = (where: string, what: string, why: string, mend?: string) => Finding;

const finding =
  (severity: Severity): Make =>
  (where, what, why, mend) =>
    mend === undefined ? { severity, where, what, why } : { severity, where, what, why, mend };

/** Pods do not start, or do without what they asked for. */
export const error = finding("error");
/** It works now, and will not later, or not as well as it could. */
export const warning = finding("warning");
/** Worth knowing, or could not be looked at. */
export const note = finding("note");

/** The exit code: 0 with notes at most, 1 with warnings, 2 with errors. */
export function exitCodeOf(findings: readonly Finding[]): 0 | 1 | 2 {
  if (findings.some(({ severity }) => severity === "error")) return 2;
  return findings.some(({ severity }) => severity === "warning") ? 1 : 0;
}
