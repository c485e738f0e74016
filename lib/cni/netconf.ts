import * as z from "zod/mini";
import { CniError, ErrorCode } from "./error.ts";
import { foldKeys } from "./fold-keys.ts";
import type { Json, JsonObject } from "./json.ts";

/** For lists that a user of a namespace may write: each entry costs the node time and memory. */
export const mostEntries = z.maxLength(1024);

// Schemas share their leaves: each one made costs an ADD 10 µs (docs/performance.md).
const text = z.string();
const texts = z.array(text).check(mostEntries);
export const optionalText = z.optional(text);
export const optionalTexts = z.optional(texts);
export const optionalFlag = z.optional(z.boolean());
/** A number from 0 on, of bits, bytes, entries … */
export const count = z.int().check(z.nonnegative());
export const optionalCount = z.optional(count);
/** A text, or a list of them. */
export const optionalTextOrTexts = z.optional(z.union([text, texts]));

/** What is in it is read apart, by a schema that is made only where the key is there. */
export const optionalObject = z.optional(z.looseObject({}));
export const optionalList = z.optional(z.array(z.unknown()));

const Dns = () => {
  const servers = z.exactOptional(texts);
  return z.looseObject({
    nameservers: servers,
    domain: z.exactOptional(text),
    search: servers,
    options: servers,
  });
};
export type Dns = z.infer<ReturnType<typeof Dns>>;

/** Characters of DNS settings as JSON, which are kept till DEL; resolvers take some 2,000. */
const mostDns = 64 * 1024;

/** DNS settings, as in configurations, that were found under the key `at`. Throws as parseConf. */
export function parseDns(json: unknown, at: string): Dns | undefined {
  if (json === undefined) return undefined;
  const dns = parseConf(Dns(), json, at);
  const { length } = JSON.stringify(dns);
  if (length <= mostDns) return dns;
  const remedy = `write ${mostDns} at most`;
  throw new CniError(ErrorCode.invalidConfig, `${at}: has ${length} characters as JSON; ${remedy}`);
}

const Route = () => {
  const integer = z.exactOptional(z.int());
  return z.looseObject({
    dst: text,
    gw: z.exactOptional(text),
    mtu: integer,
    advmss: integer,
    priority: integer,
    table: integer,
    scope: integer,
  });
};
/** A route, as in configurations and results: dst is a network, gw an address. */
export type Route = z.infer<ReturnType<typeof Route>>;

/** A list of routes that was found under the key `at`, empty where there is none. Throws as parseConf. */
export function parseRoutes(json: unknown, at: string): Route[] {
  return json === undefined ? [] : parseConf(z.array(Route()).check(mostEntries), json, at);
}

/** The keys that all main plugins share (SPEC.md, section 1, and CONVENTIONS.md), for a schema with their own. */
export const sharedKeys = {
  cniVersion: optionalText,
  name: text,
  type: optionalText,
  ipam: z.optional(z.looseObject({ type: optionalText })),
  dns: optionalObject,
  /** As it came: parseResult reads it, by its version. */
  prevResult: optionalObject,
  /** Filled by the runtime for the capabilities that the configuration announces. */
  runtimeConfig: z.optional(
    z.looseObject({
      ips: optionalTexts,
      mac: optionalText,
      deviceID: optionalText,
    }),
  ),
};

const ValidAttachment = () => z.looseObject({ containerID: text, ifname: text });
/** An attachment that the runtime still knows, in the configuration of a GC. */
export type ValidAttachment = z.infer<ReturnType<typeof ValidAttachment>>;

/** The configuration of any plugin. A delegate's own keys stay where they are: the objects are loose. */
export const NetConf = () =>
  z.looseObject({
    ...sharedKeys,
    /** What a pod's `cni-args` and other callers give (CONVENTIONS.md, "args"). */
    args: z.optional(z.looseObject({ cni: optionalObject })),
    "cni.dev/valid-attachments": z.optional(z.array(ValidAttachment())),
  });
export type NetConf = z.infer<ReturnType<typeof NetConf>>;

/**
 * The configuration as its schema has it, keys matched in any case. Throws one CniError (code 7) that names, for all
 * that is wrong, the key, the value and what is wanted. A message given in a schema goes on from the value: a check
 * with "is not a MAC address; write it as 02:00:00:00:00:01" makes `mac: "x" is not a MAC address; write it as …`.
 * `at` is the key that `json` was found under.
 */
export function parseConf<Schema extends z.ZodMiniType>(
  schema: Schema,
  json: unknown,
  at?: string,
): z.output<Schema> {
  const folded = foldKeys(schema, json as Json);
  const parsed = z.safeParse(schema, folded);
  if (parsed.success) return parsed.data;
  const wrong = new Set(parsed.error.issues.map((issue) => describeIssue(issue, folded, at)));
  throw new CniError(ErrorCode.invalidConfig, [...wrong].join("; "), { cause: parsed.error });
}

type Issue = z.core.$ZodIssue;

/** What is wrong at one place of `json`, for people: the key, the value and what is wanted. */
export function describeIssue(issue: Issue, json: Json, at: string | undefined): string {
  const value = valueAt(json, issue.path);
  const key = pathText(at === undefined ? issue.path : [at, ...issue.path]);
  if (issue.code === "unrecognized_keys") return `${key}: unknown keys ${quoted(issue.keys)}; leave them out`;
  if (value === undefined) return `${key}: missing; give ${wantedBy(issue)}`;
  if (issue.message !== "Invalid input") return `${key}: ${shown(value)} ${issue.message}`;
  return `${key}: ${shown(value)} is not ${wantedBy(issue)}`;
}

/** What a value has to be, as the end of a sentence: "a number", `one of "l2", "l3"`. */
function wantedBy(issue: Issue): string {
  const say = wanted[issue.code] as ((issue: Issue) => string) | undefined;
  return say?.(issue) ?? "valid";
}

const wanted: { [Code in Issue["code"]]?: (issue: Extract<Issue, { code: Code }>) => string } = {
  invalid_type: ({ expected }) => nouns[expected] ?? expected,
  invalid_value: ({ values }) => (values.length === 1 ? quoted(values) : `one of ${quoted(values)}`),
  too_small: ({ minimum, inclusive, origin }) =>
    `${inclusive ? "at least" : "more than"} ${minimum}${unitOf(origin)}`,
  too_big: ({ maximum, inclusive, origin }) =>
    `${inclusive ? "at most" : "less than"} ${maximum}${unitOf(origin)}`,
  invalid_format: ({ format, pattern }) => (pattern === undefined ? `a valid ${format}` : `like ${pattern}`),
  not_multiple_of: ({ divisor }) => `a multiple of ${divisor}`,
  invalid_union: ({ errors }) => {
    const options = errors.flatMap(([first]) => (first === undefined ? [] : [wantedBy(first)]));
    return [...new Set(options)].join(" or ") || "any of the allowed kinds";
  },
};

const nouns: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};

function unitOf(origin: string): string {
  if (origin === "string") return " characters long";
  return origin === "array" ? " entries long" : "";
}

function quoted(values: readonly unknown[]): string {
  return values.map((value) => JSON.stringify(value)).join(", ");
}

/** A value as JSON, cut where it would drown the message. */
function shown(value: Json): string {
  const text = JSON.stringify(value);
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}

function pathText(path: readonly PropertyKey[]): string {
  const text = path.map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`)).join("");
  return text.replace(/^\./, "") || "the configuration";
}

function valueAt(json: Json, path: readonly PropertyKey[]): Json | undefined {
  let value: Json | undefined = json;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as JsonObject)[String(key)];
  }
  return value;
}
