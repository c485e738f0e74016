import { aboutText } from "./about.ts";
import { checkKnownArgs, parseArgs, parseArgsLeniently } from "./args.ts";
import { checkNetworkLength, networkOf, parseJsonObject, versionIn } from "./conf.ts";
import { checkEnvironment, type Env, isNetnsOverridden, readEnvironment, splitPath } from "./env.ts";
import { CniError, ErrorCode } from "./error.ts";
import { errorObject } from "./error-object.ts";
import { type Caller, type Command, commands, type Invocation, type Sink } from "./invocation.ts";
import type { JsonObject } from "./json.ts";
import { type Log, noLog } from "./log.ts";
import type { Plugin, Verbs } from "./plugin.ts";
import type { Wait } from "./stdin.ts";
import {
  checkSupported,
  checkVerbVersion,
  isSupported,
  newestVersion,
  supportedVersions,
  versionOfNone,
} from "./version.ts";

/** What a call comes with, and what it may ask of the process that serves it. */
export interface Surroundings {
  readonly env: Env;
  /** The configuration's text. Throws a CniError (code 5) where it cannot be read. */
  readonly readStdin: (wait: Wait) => string | Promise<string>;
  /** Whether a path is the network namespace of the serving process itself; false where it is missing. */
  readonly ownNetns: (path: string) => boolean;
  /** The log of this call; its lines carry the context. */
  readonly openLog?: (context: Readonly<Record<string, string>>) => Log;
  /** Takes what delegates print on stderr, where that is not the process's own. */
  readonly stderr?: Sink;
  readonly caller?: Caller;
}

/** What the process has to print and to exit with. */
export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: 0 | 1;
}

/** What is known of a call before it is known to be sound: an error has to be answered in its version, and logged. */
interface Draft {
  cniVersion: string;
  log: Log;
}

/** Serves one call of a plugin. It never throws: an error becomes an error object on stdout and exit code 1. */
export async function execute(plugin: Plugin, around: Surroundings): Promise<Outcome> {
  const command = around.env.CNI_COMMAND ?? "";
  if (command === "") return { stdout: "", stderr: aboutText(plugin), exitCode: 0 };
  if (command === "VERSION") return printed(await versionReply(around));
  const began = process.hrtime.bigint();
  const draft: Draft = { cniVersion: newestVersion, log: openLog(plugin, around, "") };
  try {
    const invocation = await prepare(plugin, around, draft);
    const verbs = await plugin.verbs();
    const outcome = await serve[invocation.command](verbs, invocation);
    draft.log.info("done", { ms: msSince(began) });
    return outcome;
  } catch (error) {
    return failed(error, draft, began);
  }
}

const done: Outcome = { stdout: "", stderr: "", exitCode: 0 };

const serve: Record<Command, (verbs: Verbs, invocation: Invocation) => Promise<Outcome>> = {
  ADD: async (verbs, call) => printed(await addAndFormat(verbs, call)),
  DEL: async (verbs, call) => verbs.del(call).then(() => done),
  CHECK: async (verbs, call) => verbs.check(call).then(() => done),
  GC: async (verbs, call) => verbs.gc(call).then(() => done),
  STATUS: async (verbs, call) => verbs.status(call).then(() => done),
  VERSION: async () => done, // answered before any verb is loaded
};

/** A result that its version cannot hold is an error, and an ADD that ends in one leaves nothing behind. */
async function addAndFormat(verbs: Verbs, call: Invocation): Promise<JsonObject> {
  const result = await verbs.add(call);
  const { formatResult } = await import("./format-result.ts");
  try {
    return formatResult(result, call.cniVersion);
  } catch (error) {
    // It is done though the caller may have left.
    await verbs.del({ ...call, command: "DEL", caller: undefined }).catch((failure) => {
      call.log.error("undoing ADD failed", { error: String(failure) });
    });
    throw error;
  }
}

/** The checks of a call, in the order of the reference (skel.pluginMain), but for the namespace: it looks after acting. */
async function prepare(plugin: Plugin, around: Surroundings, draft: Draft): Promise<Invocation> {
  const environment = readEnvironment(around.env);
  const { command } = environment;
  let forgiving = plugin.toleratesNoConf === true && command !== "ADD" && isCommand(command);
  const attempt = <T>(check: () => T, otherwise: T): T => {
    try {
      return check();
    } catch (error) {
      if (!forgiving) throw error;
      draft.log.error("served in spite of", { error: (error as Error).message });
      return otherwise;
    }
  };

  attempt(() => checkEnvironment(environment), undefined);
  const text = await readText(around, forgiving);
  if (plugin.toleratesNoConf === true && text.trim() === "") forgiving = isCommand(command);
  const conf = attempt<JsonObject>(() => parseJsonObject(text), {});
  const cniVersion = attempt(() => versionIn(conf), versionOfNone);
  if (isSupported(cniVersion)) draft.cniVersion = cniVersion;
  const network = attempt(() => networkOf(conf), "");
  draft.log = openLog(plugin, around, network);
  if (!isCommand(command))
    throw new CniError(ErrorCode.invalidEnvironment, `unknown CNI_COMMAND: ${command}`);
  attempt(() => checkVerbVersion(command, cniVersion), undefined);
  attempt(() => checkSupported(cniVersion), undefined);
  if (command === "ADD") checkNetworkLength(network);
  const args = argsFor(plugin, command, environment.args, forgiving);
  if (!isNetnsOverridden(environment)) attempt(() => checkNotOwn(environment.netns, around), undefined);
  const { containerId, netns, ifname } = environment;
  const path = splitPath(environment.path);
  const { env, stderr, caller } = around;
  const { log } = draft;
  const attachment = { network, containerId, netns, ifname };
  return { command, cniVersion, ...attachment, args, path, conf, env, log, stderr, caller };
}

async function readText(around: Surroundings, forgiving: boolean): Promise<string> {
  try {
    return await around.readStdin("to the end");
  } catch (error) {
    if (forgiving) return "";
    throw error;
  }
}

/** Only what makes or verifies something minds how CNI_ARGS are written: nothing may keep a DEL from being served. */
function argsFor(
  { knownArgs }: Plugin,
  command: Command,
  text: string,
  forgiving: boolean,
): ReadonlyMap<string, string> {
  if (forgiving || (command !== "ADD" && command !== "CHECK")) return parseArgsLeniently(text);
  const args = parseArgs(text);
  if (knownArgs !== undefined) checkKnownArgs(args, knownArgs);
  return args;
}

function checkNotOwn(netns: string, { ownNetns }: Surroundings): void {
  if (netns === "" || !ownNetns(netns)) return;
  throw new CniError(ErrorCode.netnsIsOwn, "plugin's netns and netns from CNI_NETNS should not be the same", {
    details: `CNI_NETNS "${netns}" is the namespace this plugin runs in; set CNI_NETNS_OVERRIDE=1 if that is meant`,
  });
}

/** The version a caller names on stdin is said back to it, as the specification asks; nothing on stdin is needed. */
async function versionReply({ readStdin }: Surroundings): Promise<JsonObject> {
  let cniVersion: string = newestVersion;
  try {
    const asked = versionIn(parseJsonObject(await readStdin("briefly")));
    if (isSupported(asked)) cniVersion = asked;
  } catch {
    // No stdin, or none that says a version.
  }
  return { cniVersion, supportedVersions };
}

function failed(error: unknown, { cniVersion, log }: Draft, began: bigint): Outcome {
  const answer = errorObject(error, cniVersion);
  const { code, msg, details } = answer;
  log.error("failed", { code, msg, details, stack: (error as Error)?.stack, ms: msSince(began) });
  return { ...printed({ ...answer }), exitCode: 1 };
}

function printed(document: JsonObject): Outcome {
  return { stdout: `${JSON.stringify(document)}\n`, stderr: "", exitCode: 0 };
}

function openLog(plugin: Plugin, around: Surroundings, network: string): Log {
  const { command, containerId, netns, ifname } = readEnvironment(around.env);
  return around.openLog?.({ plugin: plugin.name, command, network, containerId, netns, ifname }) ?? noLog;
}

function isCommand(command: string): command is Command {
  return (commands as readonly string[]).includes(command);
}

/** With process.hrtime, since the global `performance` loads perf_hooks: 2 ms of every call (docs/adr/0001). */
function msSince(began: bigint): number {
  return Number((process.hrtime.bigint() - began) / 100_000n) / 10;
}
