import { readFileSync, unwatchFile, watchFile } from "node:fs";
import { type Cluster, ClusterError, type ClusterHost } from "../../lib/cluster/cluster.ts";
import { type NetworkPlan, nodeFileOf, planHost, renumbering } from "../../lib/cluster/host-plan.ts";
import { parseCluster } from "../../lib/cluster/parse.ts";
import type { Netns } from "../../lib/linux/netns.ts";
import type { StatePaths } from "../../lib/linux/paths.ts";
import { formatAddress } from "../../lib/net/address.ts";
import { rulesOf, toRoute } from "../../lib/route/host-routes.ts";
import { say } from "../log.ts";
import { type Failure, keyOfRoute, readOurs, reconcile, type Wanted } from "../routes/reconcile.ts";
import { listenForChanges } from "./changes.ts";
import { localNics } from "./local-nics.ts";
import { readWritten, removeNodeFile, writeNodeFile } from "./node-files.ts";

export interface KeepOptions {
  /** Path of the cluster file */
  readonly file: string;
  /** This host's name in it */
  readonly node: string;
  readonly paths: StatePaths;
  /** Whether pods that run may be left with addresses that are others' by the new file */
  readonly renumber: boolean;
  /** Attachments of a network that this node has */
  readonly attachments: (network: string) => number;
}

/** A route as it is: it is there ("ok"), or the kernel did not take it. */
export interface RouteStatus {
  readonly network: string;
  readonly dst: string;
  readonly via: string;
  readonly dev: string;
  readonly host: string;
  readonly state: "ok" | "failed";
  readonly error?: string;
}

export interface ClusterStatus {
  readonly file: string;
  readonly node: string;
  /** What is wrong with the file, or keeps it from being carried out; the one before it is in force then. */
  readonly problems: readonly string[];
  readonly networks: readonly string[];
  readonly routes: readonly RouteStatus[];
  /** Rules that the kernel did not take, and NICs that the file has and the host has not */
  readonly failures: readonly string[];
}

export interface Keeper extends Disposable {
  status(): ClusterStatus;
}

/** ms between looks at the file */
const fileInterval = 1_000;
/** ms between looks at all of it, for what no message tells */
const resync = 60_000;
/** ms until what failed is tried again */
const retry = 5_000;

interface State {
  cluster: Cluster | undefined;
  host: ClusterHost | undefined;
  plans: readonly NetworkPlan[];
  /** Ours in the kernel, as far as it is known */
  actual: Wanted;
  /** Whether it has to be read before it is relied on */
  isStale: boolean;
  failures: readonly Failure[];
  problems: readonly string[];
  /** What kept the last look from its end; "" where nothing did */
  trouble: string;
}

/**
 * Keeps this host as the cluster file has it: node files, routes and rules. Looks again at each change of the file, of
 * links, of addresses, and of our routes and rules. A file that cannot be carried out leaves the one before it in force.
 */
export async function keepCluster(host: Netns, options: KeepOptions): Promise<Keeper> {
  const state: State = {
    cluster: undefined,
    host: undefined,
    plans: [],
    actual: { routes: [], rules: [] },
    isStale: true,
    failures: [],
    problems: [],
    trouble: "",
  };
  let turn: Promise<void> = Promise.resolve();
  let again: NodeJS.Timeout | undefined;
  const look = (fresh: boolean): Promise<void> => {
    if (fresh) state.isStale = true;
    turn = turn
      .then(() => carryOut(host, state, options))
      .then(() => {
        state.trouble = "";
      })
      .catch((error) => {
        state.isStale = true;
        state.trouble = String(error);
        say("error", "the cluster file could not be carried out", { error: String(error) });
      });
    return turn.then(() => {
      clearTimeout(again);
      if (state.failures.length > 0 || state.trouble !== "") again = setTimeout(look, retry, true).unref();
    });
  };
  const read = () => readFile(state, options);
  read();
  await look(true);
  const onFile = () => {
    if (read()) void look(false);
  };
  watchFile(options.file, { interval: fileInterval }, onFile).unref();
  const changes = listenForChanges(
    host,
    () => new Set(state.plans.flatMap(({ nics }) => nics.map(({ nic }) => nic.index))),
    () => void look(true),
  );
  const slow = setInterval(look, resync, true).unref();
  return {
    status: () => statusOf(state, options),
    [Symbol.dispose]: () => {
      unwatchFile(options.file, onFile);
      changes[Symbol.dispose]();
      clearInterval(slow);
      clearTimeout(again);
    },
  };
}

/** Whether there is a new file to carry out. */
function readFile(state: State, options: KeepOptions): boolean {
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

async function carryOut(host: Netns, state: State, { paths }: KeepOptions): Promise<void> {
  if (state.cluster === undefined || state.host === undefined) return;
  const addresses = new Set(state.host.nics.flat().map(formatAddress));
  state.plans = planHost(state.cluster, state.host, await localNics(host.netlink, addresses));
  writeNodeFiles(state.plans, paths);
  const wanted = wantedOf(state.plans);
  const wasStale = state.isStale;
  state.isStale = false;
  const before = wasStale ? await readOurs(host.netlink) : state.actual;
  const { changes, failures, actual } = await reconcile(host.netlink, wanted, before);
  state.actual = actual;
  state.failures = failures;
  if (changes > 0) say("info", "brought the host routes up to date", { changes, failures: failures.length });
}

function writeNodeFiles(plans: readonly NetworkPlan[], paths: StatePaths): void {
  const wanted = new Map(plans.map((plan) => [plan.network.name, nodeFileOf(plan)]));
  for (const network of readWritten(paths.networks).keys())
    if (!wanted.has(network)) removeNodeFile(paths.networks, network);
  for (const [network, file] of wanted)
    if (writeNodeFile(paths.networks, network, file)) say("info", "wrote a node file", { network });
}

export function wantedOf(plans: readonly NetworkPlan[]): Wanted {
  const routed = plans.filter(({ network }) => network.routed);
  return {
    routes: routed.flatMap(({ network, routes }) => routes.map((route) => toRoute(network.name, route))),
    rules: routed.flatMap(({ network }) => rulesOf(network.name, network.pool.subnets)),
  };
}

function statusOf(
  { plans, failures, problems, trouble, actual }: State,
  { file, node }: KeepOptions,
): ClusterStatus {
  const refused = new Map(failures.map(({ key, error }) => [key, error]));
  const there = new Set(actual.routes.map(keyOfRoute));
  const routes = plans.flatMap(({ network, routes }) =>
    routes.map((route): RouteStatus => {
      const key = keyOfRoute(toRoute(network.name, route));
      const { dst, via, dev, host } = {
        ...route,
        dst: key.slice(key.indexOf(" ") + 1),
        via: formatAddress(route.gateway),
      };
      const error = refused.get(key);
      const status = { network: network.name, dst, via, dev, host };
      if (error !== undefined) return { ...status, state: "failed", error };
      return there.has(key)
        ? { ...status, state: "ok" }
        : { ...status, state: "failed", error: "not there yet" };
    }),
  );
  const missing = plans.flatMap(({ network, missing }) =>
    missing.map(
      ({ place, addresses }) =>
        `network ${network.name}: no link has ${addresses.map(formatAddress).join(" or ")}, the address of NIC ${place}`,
    ),
  );
  const rules = failures.filter(({ key }) => key === "").map(({ error }) => error);
  return {
    file,
    node,
    problems: trouble === "" ? problems : [...problems, trouble],
    networks: plans.map(({ network }) => network.name),
    routes,
    failures: [...missing, ...rules],
  };
}
