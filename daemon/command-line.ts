import { isIP } from "node:net";
import { hostname } from "node:os";
import { parseArguments, UsageError } from "../lib/cli/arguments.ts";
import { statePaths } from "../lib/linux/paths.ts";

/** An address of loopback. */
export interface MetricsAddress {
  readonly host: string;
  readonly port: number;
}

export interface ServeOptions {
  readonly stateDir: string;
  /** Where metrics are to be had beside the socket in the state folder */
  readonly metrics: MetricsAddress | undefined;
  /** ms that calls at work are waited for when the daemon is told to end */
  readonly drain: number;
  /** Path of the cluster file, if there is one to keep */
  readonly cluster: string | undefined;
  /** This host's name in it */
  readonly node: string;
  readonly renumber: boolean;
  /** Names of links that count as NICs though no device is behind them */
  readonly nics: readonly string[];
}

export interface PlanOptions {
  readonly file: string;
  /** The cluster file before it */
  readonly from: string | undefined;
  readonly renumber: boolean;
  readonly json: boolean;
}

export type Command =
  | { readonly verb: "help" }
  | { readonly verb: "version" }
  | { readonly verb: "read-cluster" }
  | ({ readonly verb: "serve" } & ServeOptions)
  | { readonly verb: "status" | "routes"; readonly stateDir: string; readonly json: boolean }
  | ({ readonly verb: "plan" } & PlanOptions)
  | { readonly verb: "cleanup"; readonly stateDir: string; readonly dryRun: boolean }
  | { readonly verb: "nics"; readonly args: readonly string[] };

export const help = `Usage: multi-nicd [serve] [--state-dir DIR] [--cluster FILE [--node NAME] [--renumber]]
                  [--nic NAME]... [--metrics WHERE] [--drain SECONDS]
       multi-nicd status|routes [--state-dir DIR] [--json]
       multi-nicd plan FILE [--from OLD [--renumber]] [--json]
       multi-nicd cleanup|--cleanup [--state-dir DIR] [--dry-run]
       multi-nicd nics [--help]
serve    serves the calls of the CNI plugins multi-nic and multi-nic-ipam from one process that stays. The thin
         clients in the CNI folder hand their calls to it; without it, or where it does not answer, they run the
         standalone executable beside them, so nothing depends on it. (infra-dpu-cni has no thin client.) With a
         cluster file it keeps this host's node files, and the routes and rules that ipvlan l3 and l3s need.
status   whether one serves, and how it is
routes   the host routes of a cluster file, each as it is
plan     how a cluster file divides its subnets, for review, and what it changes of an older one's
cleanup  takes away the routes, rules and node files that multi-nicd has made; end it first
nics     the NICs of this node
  --state-dir DIR   the state folder, with the socket cni.sock in it
                    (MULTI_NIC_CNI_STATE_DIR, else /run/multi-nic-cni)
  --cluster FILE    networks and hosts; read again when it changes (docs/cluster.md)
  --node NAME       this host's name in it (NODE_NAME, else the host's name)
  --renumber        take a file by which pods that run keep addresses of blocks that are others' now
  --nic NAME        a virtual link whose changes are told as those of NICs are, as on a test bed
  --metrics WHERE   Prometheus metrics on 127.0.0.1:PORT or [::1]:PORT too; they are always to be had on the
                    socket metrics.sock in the state folder (/metrics, /healthz, /status, /routes)
  --drain SECONDS   how long SIGTERM waits for calls at work (30)
  --json            a JSON document
  --help, --version
It logs JSON lines on stderr; the calls are logged where the plugins log them (/var/log/multi-nic-cni.log).
Exit status: 0 ended as told, or all is well; 1 failed, or something is not as it should be; 64 wrong arguments.
`;

const options = {
  help: { type: "boolean", short: "h" },
  version: { type: "boolean" },
  json: { type: "boolean" },
  "dry-run": { type: "boolean" },
  cleanup: { type: "boolean" },
  "state-dir": { type: "string" },
  metrics: { type: "string" },
  drain: { type: "string" },
  cluster: { type: "string" },
  node: { type: "string" },
  renumber: { type: "boolean" },
  nic: { type: "string", multiple: true },
  from: { type: "string" },
} as const;

/** What each verb takes, beside --help and --version. */
const taken: Readonly<Record<string, readonly (keyof typeof options)[]>> = {
  serve: ["state-dir", "metrics", "drain", "cluster", "node", "renumber", "nic"],
  status: ["state-dir", "json"],
  routes: ["state-dir", "json"],
  plan: ["from", "renumber", "json"],
  cleanup: ["state-dir", "dry-run", "cleanup"],
};

type Env = Readonly<Record<string, string | undefined>>;

/** The command that arguments are for. Throws UsageError. */
export function parseCommand(args: readonly string[], env: Env): Command {
  // What the daemon starts to have a cluster file read (cluster/read-cluster.ts).
  if (args[0] === "read-cluster") return { verb: "read-cluster" };
  // It has options of its own.
  if (args[0] === "nics") return { verb: "nics", args: args.slice(1) };
  const { values, positionals } = parseArguments({ args: [...args], options, allowPositionals: true });
  if (values.help) return { verb: "help" };
  if (values.version) return { verb: "version" };
  const [verb = values.cleanup ? "cleanup" : "serve", ...rest] = positionals;
  const known = taken[verb];
  if (known === undefined)
    throw new UsageError(`"${verb}" is not serve, status, routes, plan, cleanup or nics`);
  const strange = Object.keys(values).find((name) => !(known as readonly string[]).includes(name));
  if (strange !== undefined) throw new UsageError(`--${strange} does not go with ${verb}`);
  const extra = rest[verb === "plan" ? 1 : 0];
  if (extra !== undefined) throw new UsageError(`"${extra}" after ${verb} means nothing`);
  const stateDir = statePaths({
    MULTI_NIC_CNI_STATE_DIR: values["state-dir"] || env.MULTI_NIC_CNI_STATE_DIR,
  }).dir;
  const json = values.json === true;
  const renumber = values.renumber === true;
  if (verb === "status" || verb === "routes") return { verb, stateDir, json };
  if (verb === "cleanup") return { verb, stateDir, dryRun: values["dry-run"] === true };
  if (verb === "plan") {
    const [file] = rest;
    if (file === undefined) throw new UsageError("plan: name the cluster file");
    return { verb, file, from: values.from, renumber, json };
  }
  return {
    verb: "serve",
    stateDir,
    metrics: metricsAddress(values.metrics),
    drain: drainOf(values.drain),
    cluster: values.cluster,
    node: values.node || env.NODE_NAME || hostname(),
    renumber,
    nics: values.nic ?? [],
  };
}

function drainOf(text = "30"): number {
  if (!/^\d{1,4}$/.test(text))
    throw new UsageError(`--drain: "${text}" is not a number of seconds up to 9999`);
  return Number(text) * 1000;
}

/** Metrics name networks and count pods: they are nobody's but the node's. */
function metricsAddress(text: string | undefined): MetricsAddress | undefined {
  if (text === undefined) return undefined;
  const [, host = "", port = ""] = /^\[?([0-9a-f.:]+?)\]?:(\d{1,5})$/.exec(text) ?? [];
  const isLoopback = host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
  if (!isLoopback || Number(port) > 65535)
    throw new UsageError(`--metrics: "${text}" is not an address of loopback with a port, as 127.0.0.1:9417`);
  return { host, port: Number(port) };
}
