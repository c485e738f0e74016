import { isObject, valueIn, versionIn } from "./conf.ts";
import { CniError, ErrorCode } from "./error.ts";
import { findPlugin } from "./find-plugin.ts";
import type { Command, Invocation } from "./invocation.ts";
import type { Json, JsonObject } from "./json.ts";
import { parseResult, type Result } from "./result.ts";
import { type Spawned, spawnPlugin } from "./spawn-plugin.ts";

/** What a delegate is told otherwise than this call was. */
export interface DelegateOverrides {
  /** CNI_IFNAME */
  readonly ifname?: string;
  /** CNI_ARGS */
  readonly args?: string;
  /** What is left of the time of several calls that are made one after another; without, each has that of its verb */
  readonly timeLeft?: TimeLeft;
}

/** ms from now on; 0 where it is over */
export type TimeLeft = () => number;

/**
 * ms that delegates have together in one ADD: half of the four minutes that kubelet gives a sandbox, so that what they did
 * is undone in its time. The others: half of the two minutes of its other calls (runtimeRequestTimeout).
 */
const limits: Partial<Record<Command, number>> = { ADD: 120_000 };
const limitOfOthers = 60_000;

/** The time that several delegates have for a verb together, from now on. */
export function timeOf(command: Command): TimeLeft {
  const end = process.hrtime.bigint() + BigInt(limits[command] ?? limitOfOthers) * 1_000_000n;
  return () => Math.max(0, Number((end - process.hrtime.bigint()) / 1_000_000n));
}

/** A configuration as the delegate gets it on stdin. */
export type DelegateConf = string | JsonObject;

/**
 * ADD of another plugin. Throws a CniError: with the delegate's own code where it answered with an error object, 102
 * where it could not be run or answered with anything else. A result without cniVersion has the configuration's.
 */
export async function delegateAdd(
  invocation: Invocation,
  type: string,
  conf: DelegateConf,
  overrides: DelegateOverrides = {},
): Promise<Result> {
  const { stdout } = await delegate("ADD", invocation, type, conf, overrides);
  const document = parseAnswer(stdout);
  if (document === undefined) throw unclear(type, "ADD", `printed no JSON object: ${excerpt(stdout)}`);
  const { code, msg } = errorIn(document);
  if (code !== undefined && msg !== undefined) throw refusal(type, document);
  const version = versionIn(typeof conf === "string" ? (JSON.parse(conf) as JsonObject) : conf);
  try {
    return parseResult(document, version, `the result of ${type}`);
  } catch (cause) {
    throw unclear(type, "ADD", (cause as Error).message, cause);
  }
}

type Verb = (
  invocation: Invocation,
  type: string,
  conf: DelegateConf,
  overrides?: DelegateOverrides,
) => Promise<void>;

/** The other verbs of another plugin: errors as with delegateAdd, and what it prints on success is not looked at. */
export const delegateDel: Verb = async (invocation, type, conf, overrides = {}) => {
  await delegate("DEL", invocation, type, conf, overrides);
};
export const delegateCheck: Verb = async (invocation, type, conf, overrides = {}) => {
  await delegate("CHECK", invocation, type, conf, overrides);
};
export const delegateStatus: Verb = async (invocation, type, conf, overrides = {}) => {
  await delegate("STATUS", invocation, type, conf, overrides);
};
export const delegateGc: Verb = async (invocation, type, conf, overrides = {}) => {
  await delegate("GC", invocation, type, conf, overrides);
};

/** Is in the environment of every delegate, and of all that it starts in turn. */
const isDelegate = "MULTI_NIC_CNI_DELEGATE";

/**
 * The file of another plugin. Code 7 where this call is a delegate's itself: under another name, or by a script, it may
 * be one of ours that calls itself without end. Otherwise as findPlugin.
 */
export function findDelegate(type: string, { env, path }: Pick<Invocation, "env" | "path">): string {
  if (!env[isDelegate]) return findPlugin(type, path);
  throw new CniError(
    ErrorCode.invalidConfig,
    `type: "${type.slice(0, 120)}" is asked for by a plugin that was itself asked for addresses; name an IPAM plugin that calls no others`,
  );
}

/** Runs the plugin with the environment of this call, but for the verb and what is overridden. */
async function delegate(
  command: Command,
  invocation: Invocation,
  type: string,
  conf: DelegateConf,
  { ifname, args, timeLeft = timeOf(command) }: DelegateOverrides,
): Promise<Spawned> {
  const file = findDelegate(type, invocation);
  const changed = { CNI_COMMAND: command, CNI_IFNAME: ifname, CNI_ARGS: args, [isDelegate]: "1" };
  const env = { ...set(invocation.env), ...set(changed) };
  const input = typeof conf === "string" ? conf : JSON.stringify(conf);
  const run = () => spawnPlugin(file, { input, env, sink: invocation.stderr, limit: timeLeft() });
  if (timeLeft() <= 0) throw unclear(type, command, "was not called: those before it took all the time");
  const spawned = await (invocation.caller?.aside(run) ?? run());
  if (spawned.failure === undefined && spawned.exitCode === 0) return spawned;
  throw failureOf(type, command, spawned);
}

function set(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const entries = Object.entries(env).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Record<string, string>;
}

function failureOf(type: string, command: Command, { failure, exitCode, stdout, stderr }: Spawned): CniError {
  const document = parseAnswer(stdout);
  if (failure === undefined && document !== undefined && errorIn(document).msg !== undefined) {
    return refusal(type, document);
  }
  const printed =
    stdout.trim() === "" ? "nothing on stdout" : `no error object on stdout: ${excerpt(stdout)}`;
  const ended = failure ?? `ended with exit code ${exitCode} and ${printed}`;
  return unclear(
    type,
    command,
    stderr.trim() === "" ? ended : `${ended}; its stderr ends with: ${stderr.trim()}`,
  );
}

function unclear(type: string, command: Command, details: string, cause?: unknown): CniError {
  return new CniError(ErrorCode.delegate, `${type}: ${command} failed`, { details, cause });
}

/** A delegate's error object, passed on with its code. */
function refusal(type: string, document: JsonObject): CniError {
  const { code, msg, details } = errorIn(document);
  return new CniError(code ?? ErrorCode.delegate, `${type}: ${msg}`, { details: details ?? "" });
}

function errorIn(document: JsonObject) {
  const [code, msg, details] = ["code", "msg", "details"].map((key) => valueIn(document, key));
  return {
    code: Number.isSafeInteger(code) && (code as number) > 0 ? (code as number) : undefined,
    msg: typeof msg === "string" && msg !== "" ? msg : undefined,
    details: typeof details === "string" ? details : undefined,
  };
}

function parseAnswer(stdout: string): JsonObject | undefined {
  try {
    const json = JSON.parse(stdout) as Json;
    return isObject(json) ? json : undefined;
  } catch {
    return undefined;
  }
}

function excerpt(text: string): string {
  const shown = text.trim().slice(0, 200);
  return shown === "" ? "nothing at all" : JSON.stringify(shown);
}
