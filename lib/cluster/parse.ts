import { parseDocument } from "yaml";
import * as z from "zod/mini";
import { CniError } from "../cni/error.ts";
import type { Json, JsonObject } from "../cni/json.ts";
import { describeIssue } from "../cni/netconf.ts";
import { PoolNetConf, parsePool } from "../ipam/pool-conf.ts";
import { type Cidr, type IpAddress, parseAddress, parseCidr } from "../net/address.ts";
import { ipvlanModes } from "../netlink/kind/ipvlan.ts";
import { macvlanModes } from "../netlink/kind/macvlan.ts";
import { strategies } from "../nic/policy/policy.ts";
import { checkCluster } from "./check.ts";
import { type Cluster, ClusterError, type ClusterHost, type ClusterNetwork } from "./cluster.ts";

const text = z.string();
/** SPEC.md, section 1: what a network's name may be. */
const networkName = z
  .string()
  .check(
    z.regex(
      /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/,
      "is no name of a network; begin with a letter or digit, and go on with these, _, . and -",
    ),
  );
const address = z.union([text, z.array(text), z.null()]);

const withModes = <Type extends string>(type: Type, modes: Readonly<Record<string, number>>) => {
  const mode = z.optional(z.enum(Object.keys(modes)));
  return z.looseObject({ type: z.literal(type), mode, args: z.optional(z.looseObject({ mode })) });
};

/** Without modes: the Go project's operator says mellanox for host-device. */
const modeless = ["vlan", "host-device", "sriov", "mellanox"] as const;

/** By a mode that is none hosts would have no routes, and nobody would say why. */
const Plugin = z.discriminatedUnion(
  "type",
  [
    withModes("ipvlan", ipvlanModes),
    withModes("macvlan", macvlanModes),
    z.looseObject({ type: z.enum(modeless) }),
  ],
  {
    error: ({ code }) =>
      code === "invalid_union"
        ? `is not one of ${["ipvlan", "macvlan", ...modeless].map((type) => `"${type}"`).join(", ")}`
        : undefined,
  },
);

/** A field that is not here is a slip of the pen: it is refused. */
const ClusterFile = z.strictObject({
  networks: z.array(
    z.strictObject({
      name: networkName,
      subnet: z.union([text, z.array(text)]),
      /** An object, or the JSON text of one, as a MultiNicNetwork has it */
      ipam: z.optional(z.union([text, z.looseObject({})])),
      masterNets: z.optional(z.array(text)),
      plugin: z.optional(Plugin),
      multiNICIPAM: z.optional(z.boolean()),
      attachPolicy: z.optional(z.looseObject({ strategy: z.optional(z.enum(strategies)) })),
      namespaces: z.optional(z.array(text)),
    }),
  ),
  hosts: z.array(
    z.strictObject({ name: text, index: z.int().check(z.nonnegative()), addresses: z.array(address) }),
  ),
});
type NetworkOfFile = z.infer<typeof ClusterFile>["networks"][number];
type HostOfFile = z.infer<typeof ClusterFile>["hosts"][number];

/** Characters; 10,000 hosts with 16 NICs are 4 million. */
const largest = 16 * 1024 * 1024;

/** A cluster file's text. Throws ClusterError with all that is wrong with it, as far as that can be told. */
export function parseCluster(yaml: string): Cluster {
  if (yaml.length > largest) throw new ClusterError([`it has more than ${largest} characters`]);
  const file = fileOf(yaml);
  const problems: string[] = [];
  const collect = <T>(parse: () => T): T | undefined => {
    try {
      return parse();
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error;
      problems.push(...error.problems);
      return undefined;
    }
  };
  const networks = file.networks.flatMap((each, i) => collect(() => networkOf(each, `networks[${i}]`)) ?? []);
  const hosts = file.hosts.flatMap((each, i) => collect(() => hostOf(each, `hosts[${i}]`)) ?? []);
  if (problems.length > 0) throw new ClusterError(problems);
  const cluster = { networks, hosts };
  const found = checkCluster(cluster);
  if (found.length > 0) throw new ClusterError(found);
  return cluster;
}

function fileOf(yaml: string): z.infer<typeof ClusterFile> {
  const document = parseDocument(yaml, { prettyErrors: true });
  if (document.errors.length > 0)
    throw new ClusterError(document.errors.map(({ message }) => `YAML: ${message}`));
  // Aliases could make gigabytes of a few lines; yaml bounds them.
  const json = jsonOf(document);
  const parsed = z.safeParse(ClusterFile, json);
  if (parsed.success) return parsed.data;
  throw new ClusterError(parsed.error.issues.map((issue) => describeIssue(issue, json as Json, undefined)));
}

function jsonOf(document: ReturnType<typeof parseDocument>): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw new ClusterError([`YAML: ${(error as Error).message}`]);
  }
}

function networkOf(file: NetworkOfFile, at: string): ClusterNetwork {
  const { name, subnet, masterNets = [], plugin } = file;
  const settings = explained(`${at} (${name})`, () =>
    parsePool({ subnet, ipam: ipamOf(file, at) } as JsonObject),
  );
  return {
    name,
    pool: settings.pool,
    masterNets: masterNets.map((net, i) => cidr(net, `${at}.masterNets[${i}]`)),
    routed: plugin?.type === "ipvlan" && /^l3s?$/.test(plugin.args?.mode ?? plugin.mode ?? ""),
  };
}

const ipamKeys = new Set(Object.keys(PoolNetConf.shape.ipam.shape));

function ipamOf({ ipam = {} }: NetworkOfFile, at: string): JsonObject {
  const object = (typeof ipam === "string" ? json(ipam, at) : ipam) as JsonObject;
  const unknown = Object.keys(object).filter((key) => !ipamKeys.has(key));
  if (unknown.length > 0) throw new ClusterError([`${at}.ipam: unknown ${unknown.join(", ")}`]);
  if (object.hostIndex !== undefined)
    throw new ClusterError([
      `${at}.ipam.hostIndex: is each host's own; leave it out, and give hosts an index`,
    ]);
  return { type: "multi-nic-ipam", ...object };
}

function json(from: string, at: string): unknown {
  try {
    const value: unknown = JSON.parse(from);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  } catch {
    // said below
  }
  throw new ClusterError([`${at}.ipam: is text that is no JSON object; write it as YAML, or as JSON`]);
}

function hostOf({ name, index, addresses }: HostOfFile, at: string): ClusterHost {
  const nics = addresses.map((entry, i) => nicOf(entry, `${at}.addresses[${i}] (${name})`));
  return { name, index, nics };
}

function nicOf(entry: string | readonly string[] | null, at: string): IpAddress[] {
  const addresses = (typeof entry === "string" ? [entry] : (entry ?? [])).map((each) => single(each, at));
  if (new Set(addresses.map(({ family }) => family)).size < addresses.length)
    throw new ClusterError([
      `${at}: has two addresses of one family; give one IPv4 and one IPv6 address at most`,
    ]);
  return addresses;
}

const single = (value: string, at: string): IpAddress =>
  explained(at, () => parseAddress(value), "write an address without a prefix length, as 10.1.0.1");
const cidr = (value: string, at: string): Cidr =>
  explained(at, () => parseCidr(value), "write a network, as 10.1.0.0/24");

function explained<T>(at: string, parse: () => T, remedy?: string): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof CniError || error instanceof RangeError)) throw error;
    throw new ClusterError([`${at}: ${error.message}${remedy === undefined ? "" : `; ${remedy}`}`]);
  }
}
