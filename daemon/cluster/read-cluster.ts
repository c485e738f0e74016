import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { isSea } from "node:sea";
import { deserialize } from "node:v8";
import { type Cluster, ClusterError } from "../../lib/cluster/cluster.ts";
import type { Reading } from "./read-stdin.ts";

/** ms for the largest file there may be, on a machine that has other things to do */
const patience = 60_000;

/**
 * A cluster file's text, read by a process of its own: of 1,000 hosts that takes a quarter of a second, in which this one
 * has calls to serve, and memory that a process of its own gives back (docs/cluster.md). Throws ClusterError with what is
 * wrong with it, and another Error where the process failed.
 */
export async function readCluster(text: string, signal: AbortSignal): Promise<Cluster> {
  const reader = spawn(...reading(), {
    argv0: "multi-nicd",
    env: {},
    stdio: ["pipe", "pipe", "inherit"],
    signal,
    killSignal: "SIGKILL",
    timeout: patience,
  });
  // What it did not take, it says by its end.
  reader.stdin.on("error", () => {}).end(text);
  const chunks: Buffer[] = [];
  reader.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  const [code, killedBy] = await once(reader, "close");
  if (code !== 0)
    throw new Error(
      `the process that reads it ended with ${killedBy ?? code}; is it as large as it should be?`,
    );
  const read: Reading = deserialize(Buffer.concat(chunks));
  if ("problems" in read) throw new ClusterError(read.problems);
  return read.cluster;
}

/** This very program, also where another is in its file's place by now. */
function reading(): [string, string[]] {
  if (isSea()) return ["/proc/self/exe", ["read-cluster"]];
  const main = join(import.meta.dirname, "../../plugins/main.ts");
  return ["/proc/self/exe", [...process.execArgv, main, "read-cluster"]];
}
