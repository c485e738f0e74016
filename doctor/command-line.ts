import { parseArguments, UsageError } from "../lib/cli/arguments.ts";
import { type Role, roles } from "./check.ts";

interface Common {
  readonly json: boolean;
  readonly root: string;
}
/** What the doctor is asked to do. */
export type Command =
  | { readonly verb: "help" | "version" }
  | (Common & {
      readonly verb: "examine";
      readonly role: Role;
      readonly pf?: string;
      readonly cniBin?: string;
      readonly cniConf?: string;
      readonly ovsDb?: string;
      /** Path of a release's SHA256SUMS */
      readonly sums?: string;
      /** Folder to write what was looked at to */
      readonly capture?: string;
    })
  | (Common & { readonly verb: "manifests"; readonly files: readonly string[] })
  | (Common & {
      readonly verb: "explain";
      readonly subject: string | undefined;
      readonly namespace: string | undefined;
    })
  | (Common & {
      readonly verb: "plan-vfs";
      readonly pf: string;
      readonly count: number;
      readonly apply: boolean;
    });

const options = {
  help: { type: "boolean", short: "h" },
  version: { type: "boolean" },
  json: { type: "boolean" },
  root: { type: "string" },
  pf: { type: "string" },
  "cni-bin": { type: "string" },
  "cni-conf": { type: "string" },
  "ovs-db": { type: "string" },
  sums: { type: "string" },
  capture: { type: "string" },
  namespace: { type: "string", short: "n" },
  "plan-vfs": { type: "string" },
  apply: { type: "boolean" },
} as const;

/** The command that arguments are for. Throws UsageError. */
export function parseCommand(args: readonly string[]): Command {
  const { values, positionals } = parsed(args);
  if (values.help) return { verb: "help" };
  if (values.version) return { verb: "version" };
  const common = { json: values.json === true, root: values.root ?? "/" };
  const [first = "node", ...rest] = positionals;
  if (values["plan-vfs"] !== undefined) {
    if (positionals.length > 0) throw new UsageError(`"${first}" does not go with --plan-vfs`);
    return {
      ...common,
      verb: "plan-vfs",
      ...vfsOf(values["plan-vfs"], values.pf),
      apply: values.apply === true,
    };
  }
  if (values.apply) throw new UsageError("--apply goes with --plan-vfs N --pf NAME");
  if (first === "manifests") {
    if (rest.length === 0) throw new UsageError("manifests: name the YAML files, or - for stdin");
    return { ...common, verb: "manifests", files: rest };
  }
  if (first === "explain")
    return { ...common, verb: "explain", subject: subjectOf(rest), namespace: values.namespace };
  return { ...common, verb: "examine", role: roleOf(first, rest), ...scopeOf(values) };
}

const parsed = (args: readonly string[]) =>
  parseArguments({ args: [...args], options, allowPositionals: true });

function vfsOf(text: string, pf: string | undefined) {
  if (!/^\d{1,5}$/.test(text))
    throw new UsageError(`--plan-vfs: "${text}" is not a number of virtual functions`);
  if (pf === undefined) throw new UsageError("--plan-vfs: name the physical function with --pf NAME");
  return { count: Number(text), pf };
}

/** An event's text may come unquoted, word by word. */
const subjectOf = (words: readonly string[]) => (words.length === 0 ? undefined : words.join(" "));

function roleOf(text: string, rest: readonly string[]): Role {
  const role = roles.find((known) => known === text);
  if (role === undefined) throw new UsageError(`"${text}" is not ${roles.join(", ")}, manifests or explain`);
  if (rest.length > 0) throw new UsageError(`"${rest[0]}" after ${role} means nothing`);
  return role;
}

type Values = ReturnType<typeof parsed>["values"];

function scopeOf(values: Values) {
  return {
    ...(values.pf === undefined ? {} : { pf: values.pf }),
    ...(values["cni-bin"] === undefined ? {} : { cniBin: values["cni-bin"] }),
    ...(values["cni-conf"] === undefined ? {} : { cniConf: values["cni-conf"] }),
    ...(values["ovs-db"] === undefined ? {} : { ovsDb: values["ovs-db"] }),
    ...(values.sums === undefined ? {} : { sums: values.sums }),
    ...(values.capture === undefined ? {} : { capture: values.capture }),
  };
}
