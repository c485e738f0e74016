import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Outcome } from "../lib/cni/execute.ts";
import { commands } from "../lib/cni/invocation.ts";
import { openStore } from "../lib/ipam/store.ts";
import { statePaths } from "../lib/linux/paths.ts";
import type { HostNic } from "../lib/nic/host-nic.ts";
import type { NicChange } from "../lib/nic/watch.ts";
import { nicStates, stateOf } from "./nics/news.ts";
import type { Call } from "./protocol.ts";

/** What the daemon counts. */
export interface Figures {
  readonly registry: Registry;
  declined(reason: string): void;
  /** Serves a call, and counts it. */
  timed(call: Call, serve: () => Promise<Outcome>): Promise<Outcome>;
  nicChanged(type: NicChange["type"]): void;
  /** Shows from now on how many of these are in each state. */
  countNics(nics: () => readonly HostNic[]): void;
  /** How many calls are being served */
  atWork(): number;
  summary(): Summary;
}

/** What `multi-nicd status` shows. */
export interface Summary {
  readonly version: string;
  readonly pid: number;
  readonly stateDir: string;
  /** Seconds */
  readonly uptime: number;
  /** Bytes */
  readonly resident: number;
  readonly served: number;
  readonly failed: number;
  readonly declined: number;
  readonly atWork: number;
}

const buckets = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5, 20];

/** Names and units by https://prometheus.io/docs/practices/naming/. */
export function makeFigures(version: string, stateDir: string): Figures {
  const registry = new Registry();
  const registers = [registry];
  // Its default of 10 ms would wake an idle daemon a hundred times a second.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 1000 });
  const requests = new Counter({
    name: "multi_nic_cni_requests_total",
    help: "Calls served, by the error code that they were answered with (0: none)",
    labelNames: ["plugin", "command", "code"],
    registers,
  });
  const duration = new Histogram({
    name: "multi_nic_cni_request_duration_seconds",
    help: "From a call's being taken to its answer",
    labelNames: ["plugin", "command"],
    buckets,
    registers,
  });
  const atWork = new Gauge({
    name: "multi_nic_cni_requests_in_flight",
    help: "Calls being served",
    registers,
  });
  const declined = new Counter({
    name: "multi_nic_cni_declined_total",
    help: "Connections whose call was left to the standalone executable",
    labelNames: ["reason"],
    registers,
  });
  new Gauge({ name: "multi_nic_cni_build_info", help: "1", labelNames: ["version"], registers }).set(
    { version },
    1,
  );
  const nicChanges = new Counter({
    name: "multi_nic_cni_nic_changes_total",
    help: "NICs of the host that appeared, changed or vanished",
    labelNames: ["type"],
    registers,
  });
  gaugesOfStore(stateDir, registers);
  const count = { served: 0, failed: 0, declined: 0, atWork: 0 };
  return {
    registry,
    declined(reason) {
      count.declined++;
      declined.inc({ reason });
    },
    async timed(call, serve) {
      const labels = { plugin: call.plugin, command: commandOf(call) };
      const end = duration.startTimer(labels);
      atWork.set(++count.atWork);
      try {
        const outcome = await serve();
        count.served++;
        count.failed += outcome.exitCode;
        requests.inc({ ...labels, code: codeOf(outcome) });
        return outcome;
      } finally {
        end();
        atWork.set(--count.atWork);
      }
    },
    nicChanged: (type) => nicChanges.inc({ type }),
    countNics: (nics) => gaugeOfNics(nics, registers),
    atWork: () => count.atWork,
    summary: () => ({
      version,
      pid: process.pid,
      stateDir,
      uptime: Math.round(process.uptime()),
      resident: process.memoryUsage.rss(),
      ...count,
    }),
  };
}

/** Of a fixed set: what a caller may write must not become a label. */
function commandOf({ env }: Call): string {
  return commands.find((command) => command === env.CNI_COMMAND) ?? "other";
}

function codeOf({ exitCode, stdout }: Outcome): string {
  if (exitCode === 0) return "0";
  return /"code":(\d{1,5})/.exec(stdout)?.[1] ?? "unknown";
}

/** Read when they are asked for: other processes change the store too. */
function gaugesOfStore(stateDir: string, registers: Registry[]): void {
  const gauge = (name: string, help: string) =>
    new Gauge({ name: `multi_nic_cni_${name}`, help, labelNames: ["network", "family"], registers });
  const pool = gauge("pool_addresses", "Addresses of the blocks that this node has taken some of");
  const leases = gauge("leases", "Addresses that are given out");
  // The first of them to be asked reads for both.
  Object.assign(pool, {
    collect() {
      for (const each of [leases, pool]) each.reset();
      using store = openStore(statePaths({ MULTI_NIC_CNI_STATE_DIR: stateDir }));
      for (const { network, family, leases: given, addresses } of store.read((tx) => tx.usage())) {
        leases.set({ network, family }, given);
        pool.set({ network, family }, Number(addresses));
      }
    },
  });
}

/** Virtual functions and what stands for them come by hundreds, and are down until a pod has them: they are left out. */
function gaugeOfNics(nics: () => readonly HostNic[], registers: Registry[]): void {
  const isOfTheNode = ({ representor, devices }: HostNic) =>
    !representor && devices.every(({ physicalFunction }) => physicalFunction === undefined);
  new Gauge({
    name: "multi_nic_cni_nics",
    help: "NICs of the host, without virtual functions and representors",
    labelNames: ["state"],
    registers,
    collect() {
      const states = nics().filter(isOfTheNode).map(stateOf);
      for (const state of nicStates) this.set({ state }, states.filter((each) => each === state).length);
    },
  });
}
