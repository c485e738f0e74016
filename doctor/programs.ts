import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What became of a program: its stdout, or why there is none. */
export type Output = { readonly stdout: string } | { readonly failure: string; readonly missing: boolean };

/** ms that a program gets; those that are asked answer at once, or not at all. */
const patience = 5000;
const mostOutput = 4 * 1024 * 1024;

/** Runs a program of PATH with no shell, no stdin and a bounded time and output. Throws nothing. */
export async function runProgram(program: string, args: readonly string[]): Promise<Output> {
  const { execa } = await import("execa");
  const ended = await execa(program, args, {
    stdin: "ignore",
    reject: false,
    timeout: patience,
    maxBuffer: mostOutput,
    env: { LC_ALL: "C" },
  });
  if (!ended.failed) return { stdout: ended.stdout ?? "" };
  if (ended.code === "ENOENT") return { failure: `${program} is not installed`, missing: true };
  if (ended.timedOut) return { failure: `${program} gave no answer in ${patience / 1000} s`, missing: false };
  const lastLine = (ended.stderr ?? "").trim().split("\n").at(-1) ?? "";
  const said = (lastLine || (ended.shortMessage ?? "")).replace(`${program}: `, "");
  return { failure: `${program}: ${said}`, missing: false };
}

/** Where a captured tree has a program's output: one file a command, named by it, with "_" for each "/". */
export function captureName(program: string, args: readonly string[]): string {
  return [program, ...args].join(" ").replaceAll("/", "_");
}

/** Behind a command's name, the file that says why it failed. */
export const failedSuffix = ".failed";

/** Programs' output from the files of <root>/.commands. */
export function capturedPrograms(root: string) {
  return async (program: string, args: readonly string[]): Promise<Output> => {
    const file = join(root, ".commands", captureName(program, args));
    const stdout = textIn(file);
    if (stdout !== undefined) return { stdout };
    const failure = textIn(`${file}${failedSuffix}`);
    if (failure !== undefined) return { failure, missing: false };
    return { failure: `what ${program} prints is not in the captured tree (no ${file})`, missing: true };
  };
}

function textIn(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
