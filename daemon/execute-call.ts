import { isAbsolute } from "node:path";
import { splitPath } from "../lib/cni/env.ts";
import { execute, type Outcome } from "../lib/cni/execute.ts";
import type { Caller } from "../lib/cni/invocation.ts";
import { fileLog, noLog, traceOf } from "../lib/cni/log.ts";
import { isOwnNetns, namespaceId } from "../lib/linux/namespace-id.ts";
import { statePaths } from "../lib/linux/paths.ts";
import { plugins } from "../plugins/plugins.ts";
import type { Call } from "./protocol.ts";

/** Where this daemon is: what it serves has to be meant for here. */
export interface Place {
  /** Of the network namespace that it is in */
  readonly hostNetns: string;
  readonly stateDir: string;
}

/**
 * Why a call is not this daemon's to serve. The client may be in another network namespace, or see other files than a
 * daemon in a container does; then it has to serve the call itself.
 */
export function objectionTo(call: Call, { hostNetns, stateDir }: Place): string | undefined {
  if (!plugins.has(call.plugin)) return "not the name of a plugin";
  if (call.hostNetns !== hostNetns) return "from another network namespace";
  if (call.podNetns !== (podNetnsOf(call) ?? "")) return "CNI_NETNS leads elsewhere for this daemon";
  if (statePaths(call.env).dir !== stateDir) return "for another state folder";
  if (!pathsOf(call).every(isAbsolute)) return "has a path that is not absolute";
  return undefined;
}

/** What would lead elsewhere in this daemon's working folder. */
function pathsOf({ env }: Call): string[] {
  const { log } = statePaths(env);
  return [...splitPath(env.CNI_PATH ?? ""), ...(log === undefined ? [] : [log])];
}

function podNetnsOf({ env }: Call): string | undefined {
  try {
    return env.CNI_NETNS === undefined ? undefined : namespaceId(env.CNI_NETNS);
  } catch {
    return undefined;
  }
}

/** Bytes of what delegates print on stderr that are passed on */
const mostStderr = 64 * 1024;

/** Serves a call by the very code that the standalone executable runs. */
export async function executeCall({ plugin, env, stdin }: Call, caller: Caller): Promise<Outcome> {
  const known = plugins.get(plugin);
  if (known === undefined) throw new RangeError(`"${plugin}" is not the name of a plugin`);
  const chunks: Uint8Array[] = [];
  let size = 0;
  const outcome = await execute(known, {
    env,
    caller,
    readStdin: () => stdin,
    ownNetns: isOwnNetns,
    openLog: (context) => {
      const { log } = statePaths(env);
      return log === undefined ? noLog : fileLog(log, { ...context, pid: process.pid, ...traceOf(env) });
    },
    stderr(chunk) {
      if (size < mostStderr) chunks.push(chunk.subarray(0, mostStderr - size));
      size += chunk.length;
    },
  });
  return chunks.length === 0
    ? outcome
    : { ...outcome, stderr: outcome.stderr + Buffer.concat(chunks).toString("utf8") };
}

/** Loads what most calls need, so that the first of them does not wait for it. */
export async function loadPlugins(): Promise<void> {
  await Promise.all([
    import("../plugins/multi-nic/add.ts"),
    import("../plugins/multi-nic/del.ts"),
    import("../plugins/multi-nic/check.ts"),
    import("../plugins/multi-nic-ipam/add.ts"),
    import("../plugins/multi-nic-ipam/del.ts"),
    import("../lib/cni/format-result.ts"),
  ]);
}
