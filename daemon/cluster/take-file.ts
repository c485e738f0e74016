import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { setImmediate, setTimeout } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { type Cluster, ClusterError, type ClusterHost } from "../../lib/cluster/cluster.ts";
import { exchanges } from "../../lib/cluster/exchange.ts";
import { type LocalNic, nodeFileOf, planHost, renumbering } from "../../lib/cluster/host-plan.ts";
import type { Netlink } from "../../lib/netlink/socket.ts";
import { say } from "../log.ts";
import { readInForce, writeInForce } from "./in-force.ts";
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

/** What was read, of that digest (SHA-256). */
export interface Read {
  readonly text: string;
  readonly digest: string;
  readonly cluster: Cluster;
}

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
    const { cluster } = read;
    const host = ownHost(cluster, options);
    state.held = read;
    const problems = [
      ...overlappingLinks(cluster, await ownLinks(netlink)),
      ...(state.cluster === undefined || options.renumber ? [] : exchanges(state.cluster, cluster)),
    ];
    if (problems.length > 0) throw new HeldError(problems);
    // To compare 1,000 hosts' NICs takes 12 ms, and to plan as much: calls are taken between them.
    await setImmediate();
    take(state, read, host, options);
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

/**
 * Goes on with what was in force when the daemon ended, which may have been killed: a file that was refused then is still
 * to be, and what others take away is to come back though the file is wrong. Where there was nothing, or it cannot be had
 * any more, the state stays as it is.
 */
export async function resume(state: State, options: KeepOptions, signal: AbortSignal): Promise<void> {
  const text = readInForce(options.paths);
  if (text === undefined) return;
  try {
    const cluster = await readCluster(text, signal);
    take(state, { text, digest: hash("sha256", text), cluster }, ownHost(cluster, options), options);
  } catch (error) {
    if (!signal.aborted)
      say("info", "what was in force before is not gone on with", { error: (error as Error).message });
  }
}

function ownHost({ hosts }: Cluster, { node }: KeepOptions): ClusterHost {
  const host = hosts.find(({ name }) => name === node);
  if (host !== undefined) return host;
  throw new ClusterError([
    `hosts: "${node}" is not among them; add it, or start multi-nicd with --node NAME`,
  ]);
}

/** Throws as renumberUnused, and what the file system says. */
function take(state: State, read: Read, host: ClusterHost, options: KeepOptions): void {
  const { text, digest, cluster } = read;
  // Before the node files: pods that they gave addresses to meanwhile keep a daemon from going on with it (resume).
  const accept = () => writeInForce(options.paths, text);
  if (options.renumber) accept();
  else renumberUnused(cluster, host, state.planned?.nics ?? [], options, accept);
  Object.assign(state, { cluster, host, digest, problems: [], again: undefined, held: undefined });
}

/** What is in the file, if it is not what is in force: put there again, or back in the place of one that was not taken. */
async function readFile(state: State, { file }: KeepOptions, signal: AbortSignal): Promise<Read | undefined> {
  const look = () => readFileSync(file, "utf8");
  const digestOf = (text: string) => hash("sha256", text);
  const first = look();
  const known = digestOf(first);
  if (known === state.digest) return undefined;
  if (known === state.held?.digest) return state.held;
  state.held = undefined;
  const text = await settled(first, look, () => setTimeout(settling, undefined, { signal }));
  const digest = digestOf(text);
  if (digest === state.digest) return undefined;
  const cluster = await readCluster(text, signal);
  await setImmediate();
  return { text, digest, cluster };
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
 * are none, `accept` is called, and the node files have the new blocks before the next ADD can take an address of the old ones.
 */
function renumberUnused(
  cluster: Cluster,
  host: ClusterHost,
  nics: readonly LocalNic[],
  { paths, counted }: KeepOptions,
  accept: () => void,
): void {
  const planned = new Map(planHost(cluster, host, nics).map((plan) => [plan.network.name, nodeFileOf(plan)]));
  const renumbered = [...readWritten(paths.networks)].flatMap(([network, before]) => {
    const after = planned.get(network);
    const changes = renumbering(before, after);
    return changes.length === 0 ? [] : [{ network, changes, after }];
  });
  if (renumbered.length === 0) {
    accept();
    return;
  }
  counted((attachments) => {
    const problems = renumbered.flatMap(({ network, changes }) => {
      const pods = attachments(network);
      if (pods === 0) return [];
      return [
        `network ${network}: ${pods} attachments of this host have addresses or NICs by numbers that would be others' (${changes.join("; ")}); drain it of them, or start multi-nicd with --renumber`,
      ];
    });
    if (problems.length > 0) throw new HeldError(problems);
    accept();
    for (const { network, after } of renumbered)
      if (after === undefined) removeNodeFile(paths.networks, network);
      else writeNodeFile(paths.networks, network, after);
  });
}
