import { readFileSync, writeFileSync } from "node:fs";
import { setPriority } from "node:os";
import { serialize } from "node:v8";
import { type Cluster, ClusterError } from "../../lib/cluster/cluster.ts";
import { parseCluster } from "../../lib/cluster/parse.ts";

/** What readCluster gets. */
export type Reading = { readonly cluster: Cluster } | { readonly problems: readonly string[] };

/** Reads the cluster file that is on stdin, for the daemon that started this process, and prints a Reading (v8.serialize). */
export function readStdin(): void {
  stepBack();
  process.stdout.write(serialize(reading(readFileSync(0, "utf8"))));
}

function reading(text: string): Reading {
  try {
    return { cluster: parseCluster(text) };
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    return { problems: error.problems };
  }
}

/** Calls come first, and of a file that takes all the memory this process is to die, not the daemon. */
function stepBack(): void {
  try {
    setPriority(10);
    writeFileSync("/proc/self/oom_score_adj", "500");
  } catch {
    // Where /proc is not to be written to, as in some containers, it reads all the same.
  }
}
