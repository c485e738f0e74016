import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { type Cluster, ClusterError, type ClusterHost } from "../../lib/cluster/cluster.ts";
import { type LocalNic, nodeFileOf, planHost, renumbering } from "../../lib/cluster/host-plan.ts";
import { say } from "../log.ts";
import { readWritten, removeNodeFile, writeNodeFile } from "./node-files.ts";
import { readCluster } from "./read-cluster.ts";
import type { KeepOptions, State } from "./state.ts";

/** Reads the cluster file into the state; whether there is a new one to carry out. */
export async function takeFile(state: State, options: KeepOptions, signal: AbortSignal): Promise<boolean> {
  try {
    const text = readFileSync(options.file, "utf8");
    const digest = hash("sha256", text);
    // Put there again, or back in the place of one that was not taken.
    if (digest === state.digest) {
      Object.assign(state, { problems: [], isUnread: false });
      return false;
    }
    const cluster = await readCluster(text, signal);
    await setImmediate();
    const host = cluster.hosts.find(({ name }) => name === options.node);
    if (host === undefined)
      throw new ClusterError([
        `hosts: "${options.node}" is not among them; add it, or start multi-nicd with --node NAME`,
      ]);
    renumberUnused(cluster, host, state.planned?.nics ?? [], options);
    Object.assign(state, { cluster, host, digest, problems: [], isUnread: false });
    say("info", "took the cluster file", {
      file: options.file,
      networks: cluster.networks.length,
      hosts: cluster.hosts.length,
    });
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    const problems =
      error instanceof ClusterError ? error.problems : [`${options.file}: ${(error as Error).message}`];
    Object.assign(state, { problems, isUnread: !(error instanceof ClusterError) });
    say("error", "the cluster file is not taken; what was in force stays", { file: options.file, problems });
    return false;
  }
}

/**
 * Throws ClusterError where pods that run would have addresses of blocks that are not this host's any more. Where there are
 * none, the node files have the new blocks before the next ADD can take an address of the old ones.
 */
function renumberUnused(
  cluster: Cluster,
  host: ClusterHost,
  nics: readonly LocalNic[],
  { paths, renumber, counted }: KeepOptions,
): void {
  if (renumber) return;
  const planned = new Map(planHost(cluster, host, nics).map((plan) => [plan.network.name, nodeFileOf(plan)]));
  const renumbered = [...readWritten(paths.networks)].flatMap(([network, before]) => {
    const after = planned.get(network);
    const changes = renumbering(before, after);
    return changes.length === 0 ? [] : [{ network, changes, after }];
  });
  if (renumbered.length === 0) return;
  counted((attachments) => {
    const problems = renumbered.flatMap(({ network, changes }) => {
      const pods = attachments(network);
      if (pods === 0) return [];
      return [
        `network ${network}: ${pods} attachments of this host have addresses of blocks that it would lose (${changes.join("; ")}); drain it of them, or start multi-nicd with --renumber`,
      ];
    });
    if (problems.length > 0) throw new ClusterError(problems);
    for (const { network, after } of renumbered)
      if (after === undefined) removeNodeFile(paths.networks, network);
      else writeNodeFile(paths.networks, network, after);
  });
}
