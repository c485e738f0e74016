import { mkdirSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { openStore } from "../lib/ipam/store.ts";
import { LockError, lockByte } from "../lib/linux/lock.ts";
import { namespaceId } from "../lib/linux/namespace-id.ts";
import { type Netns, ownNetns } from "../lib/linux/netns.ts";
import { statePaths } from "../lib/linux/paths.ts";
import type { NicWatch } from "../lib/nic/watch.ts";
import { type Keeper, keepCluster } from "./cluster/keep.ts";
import type { KeepOptions } from "./cluster/state.ts";
import { makeCollector } from "./collect.ts";
import type { ServeOptions } from "./command-line.ts";
import { serveConnection } from "./connection.ts";
import { executeCall, loadPlugins, objectionTo, type Place } from "./execute-call.ts";
import { type Figures, makeFigures } from "./figures.ts";
import { type Listener, listenAsActivated, listenAt, mostConnections } from "./listener.ts";
import { say } from "./log.ts";
import { serveMetrics } from "./metrics-server.ts";
import { followNics } from "./nics/follow.ts";
import { forgetStart, settle, threads } from "./residence.ts";
import { makeTurns } from "./turns.ts";

/** ms that another daemon, which may be ending, is waited for */
const patience = 5_000;
/** ms without an end of any, where as many calls are at work as threads, after which no more are taken */
const standstill = 2_000;
/** ms between looks whether clients still find the socket */
const lookout = 5_000;

/** Serves until it is told to end, and then ends the process. Throws where it cannot begin. */
export async function serve(options: ServeOptions, version: string): Promise<never> {
  const { stateDir, metrics, drain } = options;
  await settle();
  await loadPlugins();
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  await beAlone(stateDir);
  const figures = makeFigures(version, stateDir);
  const waiting = new Set<Socket>();
  const accept = acceptor({ hostNetns: namespaceId("/proc/self/ns/net") ?? "", stateDir }, figures, waiting);
  const listener =
    (await listenAsActivated(process.env, accept)) ?? (await listenAt(join(stateDir, "cni.sock"), accept));
  const host = ownNetns();
  const nics = await followNics(host, options.nics, figures);
  const cluster = await keepClusterFile(options, host, nics);
  const source = { figures, cluster };
  await serveMetrics({ path: join(stateDir, "metrics.sock") }, source);
  if (metrics !== undefined) await serveMetrics(metrics, source);
  forgetStart();
  say("info", "serving", { version, stateDir });
  const { reason, exitCode } = await untilTold(listener);
  say("info", "ending", { reason, atWork: figures.atWork() });
  cluster?.[Symbol.dispose]();
  nics[Symbol.dispose]();
  const closed = listener.close();
  for (const socket of waiting) socket.destroy();
  await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, drain))]);
  say("info", "ended", { atWork: figures.atWork() });
  process.exit(exitCode);
}

async function keepClusterFile(
  { stateDir, cluster, node, renumber }: ServeOptions,
  host: Netns,
  nics: NicWatch,
): Promise<Keeper | undefined> {
  if (cluster === undefined) return undefined;
  const paths = statePaths({ MULTI_NIC_CNI_STATE_DIR: stateDir });
  const counted: KeepOptions["counted"] = (fn) => {
    using store = openStore(paths);
    store.write((tx) => fn((network) => tx.attachments(network).length));
  };
  return keepCluster(host, nics, { file: cluster, node, renumber, paths, counted });
}

/** Of two daemons the second would take the first one's clients away. The lock is held until the process ends. */
async function beAlone(stateDir: string): Promise<void> {
  try {
    await lockByte(join(stateDir, "multi-nicd.lock"), 0, patience);
  } catch (error) {
    if (!(error instanceof LockError) || error.code !== "EAGAIN") throw error;
    throw new Error(`another multi-nicd serves "${stateDir}"; end it first, or choose another --state-dir`);
  }
}

/** What is done with each connection. Those whose call was not taken yet are in `waiting`. */
function acceptor(place: Place, figures: Figures, waiting: Set<Socket>): (socket: Socket) => void {
  const turns = makeTurns({ atWork: threads, jobs: mostConnections, standstill });
  const ended = makeCollector();
  return (socket) => {
    waiting.add(socket);
    socket.once("close", () => waiting.delete(socket));
    serveConnection(socket, {
      inTurn(job) {
        waiting.delete(socket);
        turns.take(job);
      },
      objection: (call) => objectionTo(call, place) ?? turns.refusal(),
      declined(reason) {
        figures.declined(reason);
        say("info", "declined a call", { reason });
      },
      serve: (call, caller) =>
        figures.timed(call, () => executeCall(call, caller)).finally(() => ended(figures.atWork())),
      unanswered({ env: { CNI_COMMAND, CNI_CONTAINERID, CNI_IFNAME } }) {
        say("info", "a client left before its answer", { CNI_COMMAND, CNI_CONTAINERID, CNI_IFNAME });
      },
    });
  };
}

interface End {
  readonly reason: string;
  readonly exitCode: 0 | 1;
}

/** A second signal ends the process at once, as it would any other. */
function untilTold(listener: Listener): Promise<End> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const)
      process.once(signal, () => resolve({ reason: signal, exitCode: 0 }));
    const watch = setInterval(() => {
      if (listener.isInPlace()) return;
      clearInterval(watch);
      // Whoever started this daemon will start another, which makes the socket anew.
      resolve({ reason: "its socket was taken away", exitCode: 1 });
    }, lookout);
  });
}
