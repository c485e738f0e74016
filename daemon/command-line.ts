import { isIP } from "node:net";
import { parseArgs } from "node:util";
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
}

export type Command =
  | { readonly verb: "help" }
  | { readonly verb: "version" }
  | ({ readonly verb: "serve" } & ServeOptions)
  | { readonly verb: "status"; readonly stateDir: string; readonly json: boolean };

/** What is wrong with the arguments; its message is for the user. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export const help = `Usage: multi-nicd [serve] [options]
       multi-nicd status [--state-dir DIR] [--json]
Serves the calls of the CNI plugins multi-nic, multi-nic-ipam and infra-dpu-cni from one process that stays. The thin
clients in the CNI folder hand their calls to it; without it, or where it does not answer, they run the standalone
executable beside them, so nothing depends on it. It keeps nothing that is not in the state folder.
  --state-dir DIR   the state folder, with the socket cni.sock in it
                    (MULTI_NIC_CNI_STATE_DIR, else /run/multi-nic-cni)
  --metrics WHERE   Prometheus metrics on 127.0.0.1:PORT or [::1]:PORT too; they are always to be had on the
                    socket metrics.sock in the state folder (/metrics, /healthz, /status)
  --drain SECONDS   how long SIGTERM waits for calls at work (30)
  --json            status as a JSON document
  --help, --version
It logs JSON lines on stderr; the calls are logged where the plugins log them (/var/log/multi-nic-cni.log).
Exit status: 0 ended as told, or status finds it serving; 1 failed, or status finds none; 64 wrong arguments.
`;

const options = {
  help: { type: "boolean", short: "h" },
  version: { type: "boolean" },
  json: { type: "boolean" },
  "state-dir": { type: "string" },
  metrics: { type: "string" },
  drain: { type: "string" },
} as const;

/** The command that arguments are for. Throws UsageError. */
export function parseCommand(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Command {
  const { values, positionals } = parsed(args);
  if (values.help) return { verb: "help" };
  if (values.version) return { verb: "version" };
  const stateDir = statePaths({
    MULTI_NIC_CNI_STATE_DIR: values["state-dir"] || env.MULTI_NIC_CNI_STATE_DIR,
  }).dir;
  const [verb = "serve", extra] = positionals;
  if (extra !== undefined) throw new UsageError(`"${extra}" after ${verb} means nothing`);
  if (verb === "status") return { verb, stateDir, json: values.json === true };
  if (verb !== "serve") throw new UsageError(`"${verb}" is not serve or status`);
  return { verb, stateDir, metrics: metricsAddress(values.metrics), drain: drainOf(values.drain) };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
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
