import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { setImmediate, setTimeout } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { type Cluster, ClusterError, type ClusterHost } from "../../lib/cluster/cluster.ts";
import { exchanges } from "../../lib/cluster/exchange.ts";
import { type LocalNic, nodeFileOf, planHost, renumbering } from "../../lib/cluster/host-plan.ts";
import type { Netlink } from "../../lib/netlink/socket.ts";
import { say } from "../log.ts";
import { readWritten, removeNodeFile, writeNodeFile } from "./node-files.ts";
import { overlappingLinks, ownLinks } from "./own-links.ts";
import { readCluster } from "./read-cluster.ts";
import { settled } from "./settled.ts";
import type { KeepOptions, State } from "./state.ts";

/** ms between two looks at the file that have to find the same */
const settling = 500;
/** ms until a file that could not be read is read again, though it does not change */
const reread = 60_000;
/** ms until a file that the host, as it is, speaks against is looked at again */
const recheck = 3_000;

/** What is wrong with taking a file now, and may be right later: pods go, and links. */
class HeldError extends ClusterError {}

/** Reads the cluster file into the state; whether there is a new one to carry out. */
export async function takeFile(
  state: State,
  netlink: Netlink,
  options: KeepOptions,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const read = await readFile(state, options, signal);
    if (read === undefined) {
      Object.assign(state, { problems: [], again: undefined, held: undefined });
      return false;
    }
    const { cluster, digest } = read;
    const host = cluster.hosts.find(({ name }) => name === options.node);
    if (host === undefined)
      throw new ClusterError([
        `hosts: "${options.node}" is not among them; add it, or start multi-nicd with --node NAME`,
      ]);
    state.held = read;
    const problems = [
      ...overlappingLinks(cluster, await ownLinks(netlink)),
      ...(state.cluster === undefined || options.renumber ? [] : exchanges(state.cluster, cluster)),
    ];
    if (problems.length > 0) throw new HeldError(problems);
    renumberUnused(cluster, host, state.planned?.nics ?? [], options);
    Object.assign(state, { cluster, host, digest, problems: [], again: undefined, held: undefined });
    say("info", "took the cluster file", {
      file: options.file,
      networks: cluster.networks.length,
      hosts: cluster.hosts.length,
    });
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    refuse(state, options, error as Error);
    return false;
  }
}

/** What is in the file, if it is not what is in force: put there again, or back in the place of one that was not taken. */
async function readFile(state: State, { file }: KeepOptions, signal: AbortSignal): Promise<State["held"]> {
  const look = () => readFileSync(file, "utf8");
  const digestOf = (text: string) => hash("sha256", text);
  const known = digestOf(look());
  if (known === state.digest) return undefined;
  if (known === state.held?.digest) return state.held;
  state.held = undefined;
  const text = await settled(look, () => setTimeout(settling, undefined, { signal }));
  const digest = digestOf(text);
  if (digest === state.digest) return undefined;
  const cluster = await readCluster(text, signal);
  await setImmediate();
  return { digest, cluster };
}

function refuse(state: State, { file }: KeepOptions, error: Error): void {
  const isOfFile = error instanceof ClusterError;
  const problems = isOfFile ? error.problems : [`${file}: ${error.message}`];
  // Looked at again and again, it is said once.
  if (!isDeepStrictEqual(problems, state.problems))
    say("error", "the cluster file is not taken; what was in force stays", { file, problems });
  const again = error instanceof HeldError ? recheck : reread;
  Object.assign(state, { problems, again: isOfFile && !(error instanceof HeldError) ? undefined : again });
}

/**
 * Throws HeldError where pods that run would have addresses or NICs that are not by this host's numbers any more. Where there
 * are none, the node files have the new blocks before the next ADD can take an address of the old ones.
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
        `network ${network}: ${pods} attachments of this host have addresses or NICs by numbers that would be others' (${changes.join("; ")}); drain it of them, or start multi-nicd with --renumber`,
      ];
    });
    if (problems.length > 0) throw new HeldError(problems);
    for (const { network, after } of renumbered)
      if (after === undefined) removeNodeFile(paths.networks, network);
      else writeNodeFile(paths.networks, network, after);
  });
}
