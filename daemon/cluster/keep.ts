import { unwatchFile, watchFile } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { Cluster, ClusterHost } from "../../lib/cluster/cluster.ts";
import { type FormerBlock, formerBlocks, routesOf } from "../../lib/cluster/former.ts";
import { type NetworkPlan, nodeFileOf, planHost } from "../../lib/cluster/host-plan.ts";
import type { Netns } from "../../lib/linux/netns.ts";
import type { StatePaths } from "../../lib/linux/paths.ts";
import { formatAddress } from "../../lib/net/address.ts";
import type { Heard } from "../../lib/nic/look.ts";
import type { NicWatch } from "../../lib/nic/watch.ts";
import { rulesOf, tableOf, toRoute } from "../../lib/route/host-routes.ts";
import { say } from "../log.ts";
import { readOurs, reconcile, type Wanted } from "../routes/reconcile.ts";
import { listenForRoutes } from "./changes.ts";
import { type ClusterStatus, statusOf } from "./cluster-status.ts";
import { localNics } from "./local-nics.ts";
import { readWritten, removeNodeFile, writeNodeFile } from "./node-files.ts";
import { initialState, type KeepOptions, type State } from "./state.ts";
import { resume, takeFile } from "./take-file.ts";

export interface Keeper extends Disposable {
  status(): Promise<ClusterStatus>;
}

/** ms between looks at the file */
const fileInterval = 1_000;
/** ms until what failed is tried again */
const retry = 5_000;

/**
 * Keeps this host as the cluster file has it: node files, routes and rules. Looks again at each change of the file, of
 * its NICs, and of our routes and rules, and whenever `nics` looks at everything. A file that cannot be carried out
 * leaves the one before it in force.
 */
export async function keepCluster(host: Netns, nics: NicWatch, options: KeepOptions): Promise<Keeper> {
  const state = initialState();
  let turn: Promise<void> = Promise.resolve();
  let again: NodeJS.Timeout | undefined;
  const look = (fresh: boolean): Promise<void> => {
    if (fresh) state.isStale = true;
    turn = turn
      .then(() => carryOut(host, nics, state, options))
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
  const ended = new AbortController();
  let reading: Promise<void> = Promise.resolve();
  let later: NodeJS.Timeout | undefined;
  const read = (): Promise<void> => {
    reading = reading.then(async () => {
      clearTimeout(later);
      if (await takeFile(state, host.netlink, options, ended.signal)) await look(false);
      if (state.again !== undefined) later = setTimeout(read, state.again).unref();
    });
    return reading;
  };
  await resume(state, options, ended.signal);
  await read();
  // By what was resumed, where the file is the same, or is refused.
  if (state.formerOf !== state.cluster) await look(false);
  const onFile = () => void read();
  watchFile(options.file, { interval: fileInterval }, onFile).unref();
  const stack = new DisposableStack();
  stack.defer(() => unwatchFile(options.file, onFile));
  stack.defer(() => ended.abort());
  stack.defer(() => [again, later].forEach(clearTimeout));
  stack.use(listenForRoutes(host, () => void look(true)));
  stack.use(
    nics.onLook((heard) => {
      if (concerns(heard, nics, state)) void look(true);
    }),
  );
  return { status: () => statusOf(state, options), [Symbol.dispose]: () => stack.dispose() };
}

/** A NIC that went down and came up is as it was, but the kernel took its routes away, and said nothing of them. */
function concerns(heard: Heard, { nics }: NicWatch, { planned }: State): boolean {
  if (heard === "all") return true;
  if (planned === undefined) return false;
  return (
    planned.nics.some(({ index }) => heard.has(index)) ||
    !isDeepStrictEqual(localNics(nics, planned.addresses), planned.nics)
  );
}

async function carryOut(
  host: Netns,
  nics: NicWatch,
  state: State,
  { paths, renumber }: KeepOptions,
): Promise<void> {
  const { cluster, host: own } = state;
  if (cluster === undefined || own === undefined) return;
  await plan(cluster, own, nics, state);
  // Of 1,000 hosts each of these steps takes some 10 ms: calls are taken between them.
  await setImmediate();
  // One that was taken meanwhile has its look next, and node files by which no pod must be given what is lost by it.
  if (state.cluster !== cluster) return;
  writeNodeFiles(state.plans, paths);
  await setImmediate();
  const wasStale = state.isStale;
  state.isStale = false;
  const before = wasStale ? await readOurs(host.netlink) : state.actual;
  if (state.formerOf !== cluster) {
    state.former = renumber ? [] : formerBlocks(cluster, own, [...before.routes, ...formerRoutes(state)]);
    state.formerOf = cluster;
  }
  const wanted = wantedOf(state.plans, state.former);
  await setImmediate();
  const { changes, failures, actual } = await reconcile(host.netlink, wanted, before);
  const isNews = changes > failures.length || failures.length !== state.failures.length;
  state.actual = actual;
  state.failures = failures;
  // What fails is tried again and again, as long as a NIC is down.
  if (isNews) say("info", "brought the host routes up to date", { changes, failures: failures.length });
}

/** Plans, where the file or the host's NICs are others than those planned for. */
async function plan(cluster: Cluster, own: ClusterHost, watch: NicWatch, state: State): Promise<void> {
  const addresses = new Set(own.nics.flat().map(formatAddress));
  if (state.planned?.cluster !== cluster) await watch.follow(addresses);
  const nics = localNics(watch.nics, addresses);
  if (state.planned?.cluster === cluster && isDeepStrictEqual(state.planned.nics, nics)) return;
  state.plans = planHost(cluster, own, nics);
  state.planned = { cluster, addresses, nics };
}

function writeNodeFiles(plans: readonly NetworkPlan[], paths: StatePaths): void {
  const wanted = new Map(plans.map((plan) => [plan.network.name, nodeFileOf(plan)]));
  for (const network of readWritten(paths.networks).keys())
    if (!wanted.has(network)) removeNodeFile(paths.networks, network);
  for (const [network, file] of wanted)
    if (writeNodeFile(paths.networks, network, file)) say("info", "wrote a node file", { network });
}

/** Those that the kernel took away with their NIC, and that come back with it, are to be kept too. */
const formerRoutes = ({ former }: State) =>
  former.map(({ network, dst, gateway }) => ({ table: tableOf(network), dst, gateway }));

export function wantedOf(plans: readonly NetworkPlan[], former: readonly FormerBlock[] = []): Wanted {
  const routed = plans.filter(({ network }) => network.routed);
  return {
    routes: routed.flatMap((plan) =>
      routesOf(plan, former).map((route) => toRoute(plan.network.name, route)),
    ),
    rules: routed.flatMap(({ network }) => rulesOf(network.name, network.pool.subnets)),
  };
}
