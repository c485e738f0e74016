import { parseArguments, UsageError } from "../lib/cli/arguments.ts";
import { statePaths } from "../lib/linux/paths.ts";
import type { Limits } from "./limits.ts";
import { type NamedPod, parseNamedPod } from "./named-pods.ts";

/** How a check is made and shown. */
export interface CheckOptions extends Limits {
  /** undefined: bandwidths are left out */
  readonly bandwidth: { readonly seconds: number; readonly parallel: number } | undefined;
  readonly json: boolean;
  readonly quiet: boolean;
}

export interface ManifestOptions {
  readonly network: string;
  readonly hosts: number;
  readonly namespace: string;
  readonly image: string;
  readonly port: number;
}

export type Command =
  | { readonly verb: "help" | "version" }
  | (CheckOptions & {
      readonly verb: "check";
      readonly network: string | undefined;
      readonly pods: readonly NamedPod[];
      readonly stateDirs: readonly string[];
    })
  | { readonly verb: "serve"; readonly port: number }
  | (CheckOptions & {
      readonly verb: "client";
      readonly servers: readonly string[];
      readonly port: number;
      readonly hosts: number | undefined;
    })
  | (ManifestOptions & { readonly verb: "manifests" });

const options = {
  help: { type: "boolean", short: "h" },
  version: { type: "boolean" },
  json: { type: "boolean" },
  quiet: { type: "boolean" },
  network: { type: "string" },
  netns: { type: "string", multiple: true },
  "state-dir": { type: "string", multiple: true },
  "no-bandwidth": { type: "boolean" },
  seconds: { type: "string" },
  "bandwidth-parallel": { type: "string" },
  timeout: { type: "string" },
  parallel: { type: "string" },
  "max-time": { type: "string" },
  port: { type: "string" },
  server: { type: "string", multiple: true },
  hosts: { type: "string" },
  namespace: { type: "string" },
  image: { type: "string" },
} as const;

type Values = ReturnType<typeof parsed>["values"];
type Option = keyof typeof options;

const ofCheck = [
  ...["json", "quiet", "no-bandwidth", "seconds", "bandwidth-parallel", "timeout", "parallel", "max-time"],
] as readonly Option[];

/** What each verb takes; another option would be passed over in silence. */
const taken: Readonly<Record<"check" | "serve" | "client" | "manifests", readonly Option[]>> = {
  check: [...ofCheck, "network", "netns", "state-dir"],
  serve: ["port"],
  client: [...ofCheck, "server", "hosts", "port"],
  manifests: ["network", "hosts", "namespace", "image", "port"],
};

/** The command that arguments are for. Throws UsageError. */
export function parseCommand(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Command {
  const { values, positionals } = parsed(args);
  if (values.help) return { verb: "help" };
  if (values.version) return { verb: "version" };
  const [verb = "check", extra] = positionals;
  if (extra !== undefined) throw new UsageError(`"${extra}" after ${verb} means nothing`);
  if (!isVerb(verb)) throw new UsageError(`"${verb}" is not serve, client or manifests`);
  const stray = Object.keys(values).find((key) => !taken[verb].includes(key as Option));
  if (stray !== undefined) throw new UsageError(`--${stray} does not go with ${verb}`);
  switch (verb) {
    case "check":
      return { verb, ...checkOptions(values), ...whatToCheck(values, env) };
    case "serve":
      return { verb, port: portOf(values) };
    case "client":
      if (values.server === undefined) throw new UsageError("client: name who serves with --server HOST");
      return { verb, ...checkOptions(values), ...clientOptions(values, values.server) };
    case "manifests":
      return { verb, ...manifestOptions(values) };
  }
}

const isVerb = (text: string): text is keyof typeof taken => Object.hasOwn(taken, text);

const parsed = (args: readonly string[]) =>
  parseArguments({ args: [...args], options, allowPositionals: true });

function checkOptions(values: Values): CheckOptions {
  const seconds = numberOf(values, "seconds", 1, 3600);
  const parallel = numberOf(values, "bandwidth-parallel", 1, 64);
  return {
    timeout: numberOf(values, "timeout", 2, 60) * 1000,
    parallel: numberOf(values, "parallel", 64, 1024),
    maxTime: numberOf(values, "max-time", 600, 86_400) * 1000,
    bandwidth: values["no-bandwidth"] ? undefined : { seconds, parallel },
    json: values.json === true,
    quiet: values.quiet === true,
  };
}

function whatToCheck(values: Values, env: Readonly<Record<string, string | undefined>>) {
  const pods = (values.netns ?? []).map(parseNamedPod);
  if (pods.length > 0 && values["state-dir"] !== undefined)
    throw new UsageError(
      "--netns and --state-dir do not go together: pods are named, or taken from a folder",
    );
  if (pods.length === 1) throw new UsageError("--netns: one pod has none to reach; name another");
  const twice = pods.find(({ name }, at) => pods.findIndex((pod) => pod.name === name) !== at);
  if (twice !== undefined)
    throw new UsageError(`--netns: two pods are called ${twice.name}; name them apart`);
  if (values["state-dir"]?.includes("")) throw new UsageError('--state-dir: "" is no folder');
  return { network: values.network, pods, stateDirs: values["state-dir"] ?? [statePaths(env).dir] };
}

const clientOptions = (values: Values, servers: readonly string[]) => ({
  servers,
  port: portOf(values),
  hosts: values.hosts === undefined ? undefined : hostsOf(values),
});

const hostsOf = (values: Values): number => numberOf(values, "hosts", 1, 5000);

function manifestOptions(values: Values): ManifestOptions {
  const { network, namespace = "default", image = "multi-nic-cni:latest" } = values;
  if (network === undefined)
    throw new UsageError("manifests: name the NetworkAttachmentDefinition with --network NAME");
  if (values.hosts === undefined)
    throw new UsageError("manifests: say with --hosts N how many nodes to check");
  // As Multus takes it in an annotation: [<namespace>/]<name>, here of one network.
  if (!/^([a-z0-9]([-a-z0-9]*[a-z0-9])?\/)?[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/.test(network))
    throw new UsageError(`--network: "${network}" is not the name of a NetworkAttachmentDefinition`);
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(namespace))
    throw new UsageError(`--namespace: "${namespace}" is not the name of a namespace`);
  if (!/^[\w][\w.:/@-]*$/.test(image))
    throw new UsageError(`--image: "${image}" is not the name of an image`);
  return { network, namespace, image, hosts: hostsOf(values), port: portOf(values) };
}

/** iperf3 listens on the next one. */
const portOf = (values: Values): number => numberOf(values, "port", 11_917, 65_534);

function numberOf(values: Values, key: Option, byDefault: number, most: number): number {
  const text = values[key];
  if (text === undefined) return byDefault;
  if (typeof text === "string" && /^\d{1,6}$/.test(text) && Number(text) >= 1 && Number(text) <= most)
    return Number(text);
  throw new UsageError(`--${key}: "${text}" is not a number from 1 to ${most}`);
}
