import { CniError, ErrorCode } from "./error.ts";
import type { Json, JsonObject } from "./json.ts";
import { versionOfNone } from "./version.ts";

/** The configuration as an object. Code 6 where the text is not exactly one JSON object. */
export function parseJsonObject(text: string): JsonObject {
  const json = parseJson(text);
  if (nestingOf(text) > deepest) {
    throw new CniError(
      ErrorCode.decode,
      `the network configuration on stdin is nested more than ${deepest} deep; no field of it needs that`,
    );
  }
  if (!isObject(json)) {
    throw new CniError(ErrorCode.decode, "the network configuration on stdin is not a JSON object", {
      details: `it begins with ${JSON.stringify(text.trim().slice(0, 40))}`,
    });
  }
  return json;
}

function parseJson(text: string): Json {
  if (text.trim() === "") {
    throw new CniError(ErrorCode.decode, "there is no network configuration on stdin: it is empty");
  }
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    throw new CniError(ErrorCode.decode, "the network configuration on stdin is not one JSON document", {
      details: (cause as Error).message,
      cause,
    });
  }
}

/** JSON.parse takes any depth, but whatever walks or writes the value again would run out of stack. */
const deepest = 100;

/** How deep lists and objects are in each other, in sound JSON. */
function nestingOf(json: string): number {
  let depth = 0;
  let most = 0;
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/g)) {
    if (token === "[" || token === "{") most = Math.max(most, ++depth);
    else if (token === "]" || token === "}") depth--;
  }
  return most;
}

export function isObject(json: Json | undefined): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

/**
 * The value of a key, matched as Go does: in any case. The exact spelling wins, then the last of the others;
 * null counts as absent, for it leaves Go's zero value in place.
 */
export function valueIn(json: JsonObject, key: string): Json | undefined {
  if (Object.hasOwn(json, key)) return json[key] ?? undefined;
  const folded = key.toLowerCase();
  const found = Object.keys(json).findLast((candidate) => candidate.toLowerCase() === folded);
  return found === undefined ? undefined : (json[found] ?? undefined);
}

/** Code 7 for a missing name, or one that could not be a part of a path. */
export function networkOf(conf: JsonObject): string {
  const name = textOf(conf, "name");
  if (name === undefined || name === "") {
    throw new CniError(ErrorCode.invalidConfig, "missing network name", {
      details: 'give the network configuration a "name"',
    });
  }
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name)) {
    throw new CniError(ErrorCode.invalidConfig, "invalid characters found in network name", {
      details: `name: ${JSON.stringify(name)}; use letters, digits, and _ . - after the first`,
    });
  }
  return name;
}

/** Names of files are made of it; and every lease has it, in a store that all share. NAME_MAX, less ".json". */
const longestNetwork = 250;

/** Code 7 for a name of more than 250 characters. For ADD: what cannot have been made needs no name to be taken away. */
export function checkNetworkLength({ length }: string): void {
  if (length <= longestNetwork) return;
  throw new CniError(
    ErrorCode.invalidConfig,
    `name: has ${length} characters; write one of ${longestNetwork} at most`,
  );
}

/** The configuration's cniVersion, "0.1.0" where it names none. Code 6 where it is no text. */
export function versionIn(conf: JsonObject): string {
  return textOf(conf, "cniVersion") || versionOfNone;
}

function textOf(conf: JsonObject, key: string): string | undefined {
  const value = valueIn(conf, key);
  if (value === undefined || typeof value === "string") return value;
  throw new CniError(ErrorCode.decode, `${key}: ${JSON.stringify(value)} is not text; write it in quotes`);
}
