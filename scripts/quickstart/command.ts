import { execFile } from "node:child_process";

export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface Settings {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Runs a program to its end, whatever that is. Throws only where the program cannot be started. */
export function attempt(program: string, args: readonly string[], settings: Settings = {}): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      [...args],
      { encoding: "utf8", env: settings.env ?? process.env },
      (error, stdout, stderr) => {
        if (error !== null && typeof error.code !== "number") reject(error);
        else resolve({ status: Number(error?.code ?? 0), stdout, stderr });
      },
    );
    // A program that does not read its input is no failure of ours.
    child.stdin?.on("error", () => {});
    child.stdin?.end(settings.input ?? "");
  });
}

/** Runs a program that has to succeed, and gives its stdout. Throws with its stderr. */
export async function run(program: string, args: readonly string[], input?: string): Promise<string> {
  const { status, stdout, stderr } = await attempt(program, args, input === undefined ? {} : { input });
  if (status === 0) return stdout;
  throw new Error(`${program} ${args.join(" ")}: ${stderr.trim() || `exit status ${status}`}`);
}

/** Lines of `ip`, run by one process: in the namespace of that name, or in this process' own. */
export async function ip(namespace: string | undefined, lines: readonly string[]): Promise<void> {
  const where = namespace === undefined ? [] : ["-n", namespace];
  await run("ip", [...where, "-batch", "-"], `${lines.join("\n")}\n`);
}

/** A program and its arguments, as they are run in the network namespace of that name. */
export const inNamespace = (name: string, ...command: readonly string[]): [string, string[]] => [
  "nsenter",
  [`--net=/run/netns/${name}`, ...command],
];
