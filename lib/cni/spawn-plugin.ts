import type { Sink } from "./invocation.ts";

/** What became of a plugin that was run. */
export interface Spawned {
  readonly stdout: string;
  /** The last 2 KiB: all of it went to our own stderr, or the sink, as it came. */
  readonly stderr: string;
  readonly exitCode: number | undefined;
  /** Why there is no exit code to speak of: it could not be run, was killed, or printed without end. */
  readonly failure?: string;
}

/** Characters of stdout; no result comes near this. */
const maxStdout = 16 * 1024 * 1024;
const stderrTail = 2048;
/** ms between tries while an installer still writes the file (ETXTBSY), as libcni tries again. */
const retries = [50, 100, 200, 400, 800];
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Runs a plugin to its end with this stdin and this environment alone. Throws nothing of the plugin's own. */
export async function spawnPlugin(
  file: string,
  input: string,
  env: Readonly<Record<string, string>>,
  sink?: Sink,
): Promise<Spawned> {
  for (const pause of retries) {
    const spawned = await spawnOnce(file, input, env, sink);
    if (spawned !== "ETXTBSY") return spawned;
    await sleep(pause);
  }
  const spawned = await spawnOnce(file, input, env, sink);
  if (spawned !== "ETXTBSY") return spawned;
  return { ...nothing, failure: `${file} cannot be run while it is being written (ETXTBSY)` };
}

const nothing = { stdout: "", stderr: "", exitCode: undefined };

async function spawnOnce(
  file: string,
  input: string,
  env: Readonly<Record<string, string>>,
  sink: Sink | undefined,
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
  const ended = await execa(file, {
    input,
    env,
    extendEnv: false,
    reject: false,
    // As with the reference, a delegate finishes what it does though its caller is ended.
    cleanup: false,
    stdout: "pipe",
    stderr: sink === undefined ? [keepTail, "inherit"] : [keepTail, "pipe"],
    buffer: { stdout: true, stderr: false },
    maxBuffer: { stdout: maxStdout },
    stripFinalNewline: false,
  });
  if (ended.code === "ETXTBSY") return "ETXTBSY";
  const { stdout = "", exitCode } = ended;
  const failure = failureOf(ended, file);
  const spawned = { stdout: String(stdout), stderr: tail.toString("utf8"), exitCode };
  return failure === undefined ? spawned : { ...spawned, failure };
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
