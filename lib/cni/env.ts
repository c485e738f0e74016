import { CniError, ErrorCode } from "./error.ts";
import { type Command, commands } from "./invocation.ts";

export type Env = Readonly<Record<string, string | undefined>>;

/** The variables of the protocol as text; "" is unset. */
export interface Environment {
  readonly command: string;
  readonly containerId: string;
  readonly netns: string;
  readonly ifname: string;
  readonly args: string;
  readonly path: string;
  readonly netnsOverride: string;
}

interface Variable {
  readonly name: string;
  readonly key: keyof Environment;
  readonly requiredFor: readonly Command[];
  /** Throws a CniError; called only where the variable is required and not empty. */
  readonly check?: (value: string) => void;
}

/**
 * In the order in which the reference looks at them (skel.getCmdArgsFromEnv). DEL asks for no CNI_PATH, unlike
 * there: the specification makes it optional, and a DEL that can be served must be.
 */
const variables: readonly Variable[] = [
  { name: "CNI_COMMAND", key: "command", requiredFor: commands },
  {
    name: "CNI_CONTAINERID",
    key: "containerId",
    requiredFor: ["ADD", "CHECK", "DEL"],
    check: checkContainerId,
  },
  { name: "CNI_NETNS", key: "netns", requiredFor: ["ADD", "CHECK"] },
  { name: "CNI_IFNAME", key: "ifname", requiredFor: ["ADD", "CHECK", "DEL"], check: checkIfname },
  { name: "CNI_ARGS", key: "args", requiredFor: [] },
  { name: "CNI_PATH", key: "path", requiredFor: ["ADD", "CHECK", "GC", "STATUS"] },
  { name: "CNI_NETNS_OVERRIDE", key: "netnsOverride", requiredFor: [] },
];

export function readEnvironment(env: Env): Environment {
  const entries = variables.map(({ name, key }) => [key, env[name] ?? ""]);
  return Object.fromEntries(entries) as Environment;
}

/** Code 4 for the first value that cannot be, else for all that the command needs and is not there. */
export function checkEnvironment(environment: Environment): void {
  const missing: string[] = [];
  for (const { name, key, requiredFor, check } of variables) {
    if (!(requiredFor as readonly string[]).includes(environment.command)) continue;
    if (environment[key] === "") missing.push(name);
    else check?.(environment[key]);
  }
  if (missing.length > 0) {
    throw new CniError(ErrorCode.invalidEnvironment, `required env variables [${missing.join(",")}] missing`);
  }
}

/** CNI_NETNS_OVERRIDE lets a plugin act on its own namespace. */
export function isNetnsOverridden(environment: Environment): boolean {
  const value = environment.netnsOverride;
  return value === "1" || value.toUpperCase() === "TRUE";
}

/** CNI_PATH as folders, in order; empty entries are left out. */
export function splitPath(path: string): string[] {
  return path.split(":").filter((folder) => folder !== "");
}

function checkContainerId(value: string): void {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(value)) return;
  throw new CniError(ErrorCode.invalidEnvironment, "invalid characters in containerID", { details: value });
}

/** The kernel's own rules (net/core/dev.c, dev_valid_name): 15 bytes, no `.` or `..`, no `/`, `:` or white space. */
function checkIfname(value: string): void {
  if (Buffer.byteLength(value) > 15) {
    throw new CniError(ErrorCode.invalidEnvironment, "interface name is too long", {
      details: `CNI_IFNAME "${value}" has more than 15 bytes`,
    });
  }
  if (value === "." || value === "..") {
    throw new CniError(ErrorCode.invalidEnvironment, "interface name is . or ..");
  }
  if (/[/:\s\u0085]/u.test(value)) {
    throw new CniError(
      ErrorCode.invalidEnvironment,
      "interface name contains / or : or whitespace characters",
      { details: `CNI_IFNAME is "${value}"` },
    );
  }
}
