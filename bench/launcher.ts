import { type ChildProcessByStdio, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { Netns } from "../lib/linux/netns.ts";

/** One process of a plugin. */
export interface Call {
  readonly file: string;
  /** The file that is its stdin */
  readonly stdin: string;
  readonly env: Readonly<Record<string, string>>;
}

/** What became of a chain of calls, each started when the one before had ended. */
export interface Ran {
  /** ms from the first call's start to the last one's end, by the launcher's clock */
  readonly start: number;
  readonly end: number;
  /** ms of CPU time of all its processes and their children */
  readonly cpu: number;
  /** KiB of the largest resident set among them */
  readonly resident: number;
}

/** Starts calls in a network namespace; it has to be ended. */
export interface Launcher {
  /** Runs chains, some at a time. Throws where a call fails, with what it printed. */
  run(chains: readonly (readonly Call[])[], parallel?: number): Promise<Ran[]>;
  end(): void;
}

type Running = ChildProcessByStdio<Writable, Readable, null>;

/** Compiles bench/launcher.c where it is newer than what was made of it. */
function compiled(): string {
  const source = join(import.meta.dirname, "launcher.c");
  const folder = join(import.meta.dirname, "../build/bench");
  const file = join(folder, "launcher");
  if (existsSync(file) && statSync(file).mtimeMs > statSync(source).mtimeMs) return file;
  mkdirSync(folder, { recursive: true });
  const draft = `${file}.${process.pid}`;
  execFileSync("cc", [
    "-std=gnu17",
    "-O2",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-static",
    "-s",
    "-o",
    draft,
    source,
  ]);
  renameSync(draft, file);
  return file;
}

export function startLauncher(netns: Netns): Launcher {
  const file = compiled();
  const child: Running = netns.run(() => spawn(file, { stdio: ["pipe", "pipe", "inherit"] }));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async run(chains, parallel = 1) {
      child.stdin.write(job(chains, parallel));
      return read(lines, chains);
    },
    end: () => child.stdin.end(),
  };
}

function job(chains: readonly (readonly Call[])[], parallel: number): string {
  const lines = [`job ${parallel} ${chains.length}`];
  for (const calls of chains) {
    lines.push(`chain ${calls.length}`);
    for (const { file, stdin, env } of calls) {
      const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
      lines.push(`call ${variables.length}`, file, stdin, ...variables);
    }
  }
  return `${lines.join("\n")}\n`;
}

async function read(
  lines: AsyncIterator<string, undefined>,
  chains: readonly (readonly Call[])[],
): Promise<Ran[]> {
  const ran: (Ran | undefined)[] = chains.map(() => undefined);
  let failure: Error | undefined;
  for (;;) {
    const { value, done } = await lines.next();
    if (done) throw new Error("bench/launcher ended: see what it says above");
    if (value === "end") break;
    const [chain = 0, call = 0, status = 0, start = 0, end = 0, cpu = 0, resident = 0] = value
      .split(" ", 7)
      .map(Number);
    const before = ran[chain];
    ran[chain] = {
      start: before?.start ?? start / 1e6,
      end: end / 1e6,
      cpu: (before?.cpu ?? 0) + cpu / 1e3,
      resident: Math.max(before?.resident ?? 0, resident),
    };
    if (status !== 0) failure ??= failed(chains[chain]?.[call], status, value.split(" ").slice(7).join(" "));
  }
  if (failure !== undefined) throw failure;
  return ran.filter((each) => each !== undefined);
}

function failed(call: Call | undefined, status: number, output: string): Error {
  const { CNI_COMMAND = "", CNI_NETNS = "" } = call?.env ?? {};
  return new Error(`${call?.file} ${CNI_COMMAND} for ${CNI_NETNS} ended with ${status}: ${output}`);
}
