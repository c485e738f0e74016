import { execFileSync, spawnSync } from "node:child_process";

/** Whether a program of that name is on PATH. */
export function isOnPath(program: string): boolean {
  return spawnSync("sh", ["-c", 'command -v "$1"', "sh", program], { stdio: "ignore" }).status === 0;
}

/** Runs a program to its end and gives its stdout, trimmed; throws with its stderr where it fails. */
export function run(program: string, args: readonly string[], cwd?: string): string {
  const output = execFileSync(program, args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    ...(cwd === undefined ? {} : { cwd }),
  });
  return output.trim();
}
