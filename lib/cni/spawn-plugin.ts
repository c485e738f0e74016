import type { ChildProcess } from "node:child_process";
import { startAsUsual } from "../linux/niceness.ts";
import type { Sink } from "./invocation.ts";

/** What became of a plugin that was run. */
export interface Spawned {
  readonly stdout: string;
  /** The last 2 KiB: all of it went to our own stderr, or the sink, as it came. */
  readonly stderr: string;
  readonly exitCode: number | undefined;
  /** Why there is no exit code to speak of: it could not be run, was killed, took too long, or printed without end. */
  readonly failure?: string;
}

/** Characters of stdout; no result comes near this. */
const maxStdout = 16 * 1024 * 1024;
const stderrTail = 2048;
/** ms between tries while an installer still writes the file (ETXTBSY), as libcni tries again. */
const retries = [50, 100, 200, 400, 800];
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** What a plugin is run with. */
export interface SpawnInput {
  readonly input: string;
  /** The whole of it */
  readonly env: Readonly<Record<string, string>>;
  readonly sink?: Sink | undefined;
  /** ms that it has; then it is killed, with all that it started */
  readonly limit: number;
}

/** Runs a plugin to its end, or to the limit. Throws nothing of the plugin's own. */
export async function spawnPlugin(file: string, given: SpawnInput): Promise<Spawned> {
  for (const pause of retries) {
    const spawned = await spawnOnce(file, given);
    if (spawned !== "ETXTBSY") return spawned;
    await sleep(pause);
  }
  const spawned = await spawnOnce(file, given);
  if (spawned !== "ETXTBSY") return spawned;
  return { ...nothing, failure: `${file} cannot be run while it is being written (ETXTBSY)` };
}

const nothing = { stdout: "", stderr: "", exitCode: undefined };

async function spawnOnce(
  file: string,
  { input, env, sink, limit }: SpawnInput,
): Promise<Spawned | "ETXTBSY"> {
  const { execa } = await import("execa"); // 12 ms to load, so only where there is a delegate
  let tail = Buffer.alloc(0);
  const keepTail = {
    binary: true as const,
    *transform(chunk: Uint8Array) {
      tail = Buffer.concat([tail, chunk]).subarray(-stderrTail);
      sink?.(chunk);
      yield chunk;
    },
  };
  const start = () =>
    execa(file, {
      input,
      env,
      extendEnv: false,
      reject: false,
      // As with the reference, a delegate finishes what it does though its caller is ended.
      cleanup: false,
      // In a process group of its own, to be killed with what it started.
      detached: true,
      stdout: "pipe",
      stderr: sink === undefined ? [keepTail, "inherit"] : [keepTail, "pipe"],
      buffer: { stdout: true, stderr: false },
      maxBuffer: { stdout: maxStdout },
      stripFinalNewline: false,
    });
  const subprocess = startAsUsual(start);
  const ended = await endOf(subprocess, limit);
  if (ended === undefined) {
    const failure = `had not ended after ${Math.ceil(limit / 1000)} s, and was killed`;
    return { ...nothing, stderr: tail.toString("utf8"), failure };
  }
  if (ended.code === "ETXTBSY") return "ETXTBSY";
  const { stdout = "", exitCode } = ended;
  const failure = failureOf(ended, file);
  const spawned = { stdout: String(stdout), stderr: tail.toString("utf8"), exitCode };
  return failure === undefined ? spawned : { ...spawned, failure };
}

/** ms for a process that was killed to be gone: what is undone next must not meet it. */
const dyingMs = 1000;

interface Running {
  readonly nodeChildProcess: ChildProcess;
}

/** How a process ended; undefined where it was killed at the limit, in ms. */
async function endOf<Result>(
  subprocess: Promise<Result> & Running,
  limit: number,
): Promise<Result | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const overdue = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), limit);
  });
  const ended = await Promise.race([subprocess, overdue]);
  clearTimeout(timer);
  if (ended !== undefined) return ended;
  killGroup(subprocess.nodeChildProcess);
  await Promise.race([subprocess, sleep(dyingMs)]);
  // Somebody who left the group may hold them open for ever.
  subprocess.nodeChildProcess.stdout?.destroy();
  subprocess.nodeChildProcess.stderr?.destroy();
  return undefined;
}

function killGroup({ pid, exitCode, signalCode }: ChildProcess): void {
  // Once its leader is gone, the group's number may be another's.
  if (pid === undefined || exitCode !== null || signalCode !== null) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has just ended.
  }
}

interface Ended {
  readonly isMaxBuffer: boolean;
  readonly isTerminated: boolean;
  readonly signal?: string | undefined;
  readonly exitCode?: number | undefined;
  readonly code?: string | undefined;
  readonly originalMessage?: string | undefined;
}

function failureOf(ended: Ended, file: string): string | undefined {
  if (ended.isMaxBuffer) return `printed more than ${maxStdout} characters on stdout and was ended`;
  if (ended.isTerminated) return `was killed by ${ended.signal ?? "a signal"}`;
  if (ended.exitCode === undefined) {
    return `${file} could not be run: ${ended.originalMessage ?? ended.code ?? "unknown error"}`;
  }
  return undefined;
}
