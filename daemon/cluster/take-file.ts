import { readFileSync } from "node:fs";
import { type Cluster, ClusterError, type ClusterHost } from "../../lib/cluster/cluster.ts";
import { nodeFileOf, planHost, renumbering } from "../../lib/cluster/host-plan.ts";
import { parseCluster } from "../../lib/cluster/parse.ts";
import { say } from "../log.ts";
import { readWritten } from "./node-files.ts";
import type { KeepOptions, State } from "./state.ts";

/** Reads the cluster file into the state; whether there is a new one to carry out. */
export function takeFile(state: State, options: KeepOptions): boolean {
  try {
    const cluster = parseCluster(readFileSync(options.file, "utf8"));
    const host = cluster.hosts.find(({ name }) => name === options.node);
    if (host === undefined)
      throw new ClusterError([
        `hosts: "${options.node}" is not among them; add it, or start multi-nicd with --node NAME`,
      ]);
    checkRenumbering(cluster, host, options);
    Object.assign(state, { cluster, host, problems: [] });
    say("info", "took the cluster file", {
      file: options.file,
      networks: cluster.networks.length,
      hosts: cluster.hosts.length,
    });
    return true;
  } catch (error) {
    const problems =
      error instanceof ClusterError ? error.problems : [`${options.file}: ${(error as Error).message}`];
    state.problems = problems;
    say("error", "the cluster file is not taken; what was in force stays", { file: options.file, problems });
    return false;
  }
}

/** Throws ClusterError where pods that run would have addresses of blocks that are not this host's any more. */
function checkRenumbering(
  cluster: Cluster,
  host: ClusterHost,
  { paths, renumber, attachments }: KeepOptions,
): void {
  if (renumber) return;
  const planned = new Map(planHost(cluster, host, []).map((plan) => [plan.network.name, nodeFileOf(plan)]));
  const problems = [...readWritten(paths.networks)].flatMap(([network, before]) => {
    const changes = renumbering(before, planned.get(network));
    const pods = changes.length === 0 ? 0 : attachments(network);
    if (pods === 0) return [];
    return [
      `network ${network}: ${pods} attachments of this host have addresses of blocks that it would lose (${changes.join("; ")}); drain it of them, or start multi-nicd with --renumber`,
    ];
  });
  if (problems.length > 0) throw new ClusterError(problems);
}
