import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import type { Node } from "../node.ts";
import type { Fault } from "./fault.ts";
import { type Call, callsIn, traced } from "./trace.ts";

/** A call of an executable, as a runtime makes it. */
export interface Invoked {
  /** Path of the executable */
  readonly file: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: string;
}

export interface Ended {
  /** undefined where a signal ended it */
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs it on the node, undisturbed; `enter` is what leads into another mount namespace. */
export const run = (
  node: Node,
  { file, env, stdin }: Invoked,
  enter: readonly string[] = [],
): Promise<Ended> => execute(node, [file], env, stdin, enter);

/**
 * Runs it under strace, which counts and disturbs calls. Without -f: all that lasts is done by the main thread, and the
 * calls of one thread have the same order every time.
 */
export async function straced(
  node: Node,
  { file, env, stdin }: Invoked,
  fault?: Fault,
): Promise<{ ended: Ended; calls: Call[] }> {
  const folder = mkdtempSync(join(tmpdir(), "faults-"));
  try {
    const output = join(folder, "trace");
    const strace = ["strace", "-o", output, "-yy", "-s", "16", "-e", `trace=${traced.join(",")}`];
    const inject = fault === undefined ? [] : ["-e", injection(fault)];
    const ended = await execute(node, [...strace, ...inject, "--", file], env, stdin);
    return { ended, calls: callsIn(readFileSync(output, "utf8"), node.stateDir, node.logFile) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** strace(1), "Tampering". A signal comes before the call is carried out, an error in its place. */
function injection({ call: { syscall, nth }, what, onward }: Fault): string {
  const effect = what === "KILL" ? "signal=KILL" : `error=${what}`;
  return `inject=${syscall}:${effect}:when=${nth}${onward === true ? "+" : ""}`;
}

async function execute(
  node: Node,
  command: readonly string[],
  env: Readonly<Record<string, string>>,
  input: string,
  enter: readonly string[] = [],
): Promise<Ended> {
  const [first = "", ...rest] = [...enter, "ip", "netns", "exec", node.host.name, ...command];
  const ended = await execa(first, rest, {
    env: { PATH: process.env.PATH ?? "", ...env },
    extendEnv: false,
    input,
    reject: false,
    stripFinalNewline: false,
  });
  const { exitCode, signal, stdout, stderr } = ended;
  return { exitCode, signal, stdout, stderr };
}
