import { type ChildProcess, spawn } from "node:child_process";
import type { Netns } from "../lib/linux/netns.ts";

/** Characters of output that are read: iperf3's JSON of some seconds has some thousand */
const mostOutput = 1_000_000;

/** s by which timeout(1) comes after the limit, which is kept here as long as this process lives */
const late = 3;

/** iperf3 in a namespace: what is started while a thread is in one, is in it from its first instruction on. */
export function start(netns: Netns, args: readonly string[], limit: number, signal: AbortSignal) {
  // A process group of its own, that ends as a whole; timeout(1) ends it, should this process be killed.
  const child = netns.run(() =>
    spawn("timeout", ["-s", "KILL", String(limit + late), "iperf3", ...args], {
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    }),
  );
  return watch(child, limit, signal);
}

function watch(child: ChildProcess, limit: number, signal: AbortSignal) {
  let [stdout, stderr] = ["", ""];
  let failure: string | undefined;
  const kill = () => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) killGroup(child.pid);
  };
  const limiter = setTimeout(() => {
    failure = `no end in ${limit} s`;
    kill();
  }, limit * 1000);
  const listeners = new Set<() => void>();
  const said = () => {
    for (const listener of listeners) listener();
  };
  const ended = new Promise<void>((resolve) => {
    child.on("error", (error) => {
      failure = error.message;
      resolve();
    });
    child.on("close", () => resolve());
  }).then(() => {
    clearTimeout(limiter);
    signal.removeEventListener("abort", kill);
    said();
  });
  signal.addEventListener("abort", kill);
  if (signal.aborted) kill();
  child.stdout?.on("data", (bytes) => {
    if (stdout.length < mostOutput) stdout += bytes;
    said();
  });
  child.stderr?.on("data", (bytes) => {
    if (stderr.length < mostOutput) stderr += bytes;
  });
  return {
    ended,
    output: () => stdout,
    complaint: () => failure ?? (stderr.trim().split("\n").at(-1) || `ended with ${child.exitCode}`),
    /** Whether it says so before it ends. */
    until: (words: string) =>
      Promise.race([
        ended.then(() => stdout.includes(words)),
        new Promise<true>((resolve) => listeners.add(() => stdout.includes(words) && resolve(true))),
      ]),
    [Symbol.asyncDispose]: async () => {
      kill();
      await ended;
    },
  };
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, "SIGKILL");
  } catch {
    // ESRCH: it has ended.
  }
}
