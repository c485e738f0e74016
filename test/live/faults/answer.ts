import { ErrorCode } from "../../../lib/cni/error.ts";
import type { Ended } from "./strace.ts";
import { type Call, isOfState } from "./trace.ts";

/** What is wrong with how a call ended that had to succeed. */
export function unsuccessful(what: string, { exitCode, signal, stdout, stderr }: Ended): string[] {
  if (exitCode === 0) return [];
  return [`${what} ended with ${signal ?? exitCode}: ${stdout}${stderr}`];
}

/** What is wrong with a DEL or GC that had to succeed: it prints nothing. */
export const unsilent = (what: string, ended: Ended): string[] => [
  ...unsuccessful(what, ended),
  ...(ended.exitCode === 0 && ended.stdout !== "" ? [`${what} printed ${ended.stdout}`] : []),
];

/** Codes that an error at a call may come out with. */
function codesFor({ target }: Call): readonly number[] {
  if (target === "netlink") return [ErrorCode.kernel];
  if (target === "namespace") return [ErrorCode.invalidEnvironment];
  if (isOfState(target)) return [ErrorCode.io, ErrorCode.tryAgainLater];
  return [ErrorCode.io];
}

/** What is wrong with an answer that is an error: it has to be one object, of a code that fits, that says something. */
export function badError({ exitCode, signal, stdout, stderr }: Ended, call: Call): string[] {
  if (exitCode !== 1) return [`it ended with ${signal ?? exitCode}: ${stdout}${stderr}`];
  let answer: unknown;
  try {
    answer = JSON.parse(stdout);
  } catch {
    return [`it printed no JSON: ${stdout}`];
  }
  const { code, msg } = Object(answer) as { code?: unknown; msg?: unknown };
  if (!codesFor(call).includes(Number(code)) || typeof msg !== "string" || msg === "") {
    return [`it answered ${stdout.trim()}, where the code should be one of ${codesFor(call).join(", ")}`];
  }
  return stderr === "" ? [] : [`it printed on stderr: ${stderr}`];
}
