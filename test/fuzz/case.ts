import { expect } from "vitest";
import { ErrorCode } from "../../lib/cni/error.ts";
import type { Outcome } from "../../lib/cni/execute.ts";

/** Cases of each property. A few hundred in every run; scripts/reliability.sh asks for many. */
export const numRuns = Number(process.env.MULTI_NIC_CNI_FUZZ_RUNS ?? 300);

/** Of those that take long: each has a configuration of megabytes, or a process. */
export const fewRuns = Math.ceil(Math.max(60, numRuns / 20));

/** ms for a test: it ends what hangs, on a machine as busy as may be. */
export const timeout = 120_000 + numRuns * 200;

/**
 * Seconds of processor that one case may take. The longest, 4 MB of keys, needs one, and on a machine that does much else
 * some two; what grows with the square of what it is given needs six and more. Not of the clock, as the machine may be busy.
 */
const mostSeconds = 4;

/** Serves one case. @throws where it took longer than a case may */
export async function inTime<T>(serve: () => Promise<T>, title = ""): Promise<T> {
  const before = process.cpuUsage();
  const served = await serve();
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1e6, `seconds of processor ${title}`).toBeLessThan(mostSeconds);
  return served;
}

const ourCodes = new Set<number>(Object.values(ErrorCode).filter((code) => code !== ErrorCode.internal));

/** One JSON document or nothing; an error with a code and a message, and no defect. `anyCode`: configurations name codes. */
export function expectOneAnswer({ stdout, exitCode }: Outcome, { anyCode }: { anyCode: boolean }): void {
  // A message may quote what it is of; a result has what its prevResult had.
  if (exitCode === 1) expect(stdout.length).toBeLessThan(60_000);
  if (stdout === "") {
    expect(exitCode).toBe(0);
    return;
  }
  const document = JSON.parse(stdout);
  expect(stdout.endsWith("}\n")).toBe(true);
  if (exitCode === 0) return;
  expect(typeof document.msg).toBe("string");
  expect(document.msg).not.toBe("");
  if (anyCode) expect(document.code).not.toBe(ErrorCode.internal);
  else expect(ourCodes, stdout).toContain(document.code);
}
