import { CniError, ErrorCode } from "./error.ts";

const refuse = (message: string) => new CniError(ErrorCode.invalidEnvironment, `CNI_ARGS: ${message}`);

/**
 * CNI_ARGS, `K=V;K2=V2`, key to value; the last of a repeated key counts. Code 4 for a pair that has not exactly
 * one `=` (types.LoadArgs reads it so), or for an IgnoreUnknown that is no boolean.
 */
export function parseArgs(text: string): ReadonlyMap<string, string> {
  const args = new Map<string, string>();
  if (text === "") return args;
  for (const pair of text.split(";")) {
    const [key, value, ...more] = pair.split("=");
    if (key === undefined || key === "" || value === undefined || more.length > 0) {
      throw refuse(`invalid pair "${pair}"; write KEY=VALUE, with ; between pairs`);
    }
    args.set(key, value);
  }
  ignoresUnknown(args);
  return args;
}

/** The pairs that can be read, and nothing thrown: for verbs that must be served whatever CNI_ARGS holds. */
export function parseArgsLeniently(text: string): ReadonlyMap<string, string> {
  const pairs = text.split(";").map((pair) => pair.split("="));
  return new Map(pairs.flatMap(([key, value]) => (key && value !== undefined ? [[key, value]] : [])));
}

/** Code 4 where a key is neither in `known` nor one of Kubernetes', and no IgnoreUnknown allows it. */
export function checkKnownArgs(args: ReadonlyMap<string, string>, known: readonly string[]): void {
  if (ignoresUnknown(args)) return;
  const isKnown = (key: string) =>
    key === "IgnoreUnknown" || key.startsWith("K8S_POD_") || known.includes(key);
  const unknown = [...args.keys()].filter((key) => !isKnown(key));
  if (unknown.length === 0) return;
  throw refuse(
    `unknown args ${unknown.map((key) => `"${key}"`).join(", ")}; known are ${known.join(", ")}, or add IgnoreUnknown=1`,
  );
}

function ignoresUnknown(args: ReadonlyMap<string, string>): boolean {
  const value = args.get("IgnoreUnknown")?.toLowerCase() ?? "false";
  if (value === "1" || value === "true") return true;
  if (value === "0" || value === "false") return false;
  throw refuse(`IgnoreUnknown=${args.get("IgnoreUnknown")}; it is one of 1, 0, true, false`);
}
