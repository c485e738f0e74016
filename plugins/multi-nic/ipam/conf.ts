import * as z from "zod/mini";
import { CniError, ErrorCode } from "../../../lib/cni/error.ts";
import type { Invocation } from "../../../lib/cni/invocation.ts";
import type { JsonObject } from "../../../lib/cni/json.ts";
import { parseConf } from "../../../lib/cni/netconf.ts";
import type { MultiNicNetConf } from "../conf.ts";
import { isLentType } from "../link-conf.ts";
import { mostNics } from "../plan.ts";
import { parseStatic, type StaticConf } from "./static.ts";

/** Where the addresses come from. */
export type IpamConf =
  /** No IPAM: links only (L2). */
  | { readonly mode: "none" }
  /** multi-nic-ipam, in this process. */
  | { readonly mode: "own" }
  /** static, in this process. */
  | { readonly mode: "static"; readonly static: StaticConf }
  /** host-device-ipam: a lent NIC's own addresses go along with it, and come back with it. */
  | { readonly mode: "host" }
  /** Any other plugin of CNI_PATH: one call for each NIC, or one for all of them. */
  | { readonly mode: "delegate"; readonly type: string; readonly each: boolean }
  /** multi-config: a plugin of CNI_PATH for each master, with its own `ipam` section. */
  | { readonly mode: "delegate"; readonly each: true; readonly byMaster: ReadonlyMap<string, Section> };

/** An `ipam` section, whole. */
export interface Section {
  readonly type: string;
  readonly ipam: JsonObject;
}

const ownType = "multi-nic-ipam";

/** What stands beside multi-nic-ipam in a CNI folder: none gives addresses, and multi-nic would call itself without end. */
const ownOthers: readonly string[] = [
  "infra-dpu-cni",
  "multi-nic",
  "multi-nic-cni",
  "multi-nic-concheck",
  "multi-nic-doctor",
  "multi-nicd",
];

/**
 * Characters of a configuration that another plugin gets, which is written down for each NIC and kept till DEL. Without
 * what the runtime adds; no cluster's is near this.
 */
const mostDelegated = 64 * 1024;

/** @throws CniError naming the key, the value and the remedy */
export function parseIpam(conf: MultiNicNetConf, invocation: Invocation): IpamConf {
  const ipam = ipamOf(conf, invocation);
  if (ipam.mode === "delegate") requireBounded(invocation.conf);
  return ipam;
}

function requireBounded({ prevResult: _, "cni.dev/valid-attachments": __, ...conf }: JsonObject): void {
  const { length } = JSON.stringify(conf);
  if (length <= mostDelegated) return;
  throw new CniError(
    ErrorCode.invalidConfig,
    `ipam.type: the configuration has ${length} characters, and what another plugin gets for each NIC can have ${mostDelegated} at most; write a shorter one`,
  );
}

function ipamOf(conf: MultiNicNetConf, invocation: Invocation): IpamConf {
  const type = conf.ipam?.type;
  if (type === undefined || type === "") return { mode: "none" };
  if (type === ownType) {
    if (conf.multiNICIPAM !== false) return { mode: "own" };
    throw new CniError(
      ErrorCode.invalidConfig,
      `multiNICIPAM: false asks for one call of the IPAM for each NIC, and ${ownType} answers for all at once; write true, or leave it out`,
    );
  }
  refuseOwn("ipam.type", type);
  if (type === "multi-config") return ofMasters(conf, invocation);
  if (type === "host-device-ipam") return ofHost(conf.plugin?.type);
  if (conf.multiNICIPAM) return { mode: "delegate", type, each: false };
  if (type === "static") {
    const overrides = {
      runtimeIps: conf.runtimeConfig?.ips ?? [],
      argsIps: conf.args?.cni?.ips ?? [],
    };
    return { mode: "static", static: parseStatic(conf.ipam, invocation, overrides) };
  }
  return { mode: "delegate", type, each: true };
}

function ofHost(kind: string | undefined): IpamConf {
  if (isLentType(kind)) return { mode: "host" };
  throw new CniError(
    ErrorCode.invalidConfig,
    `ipam.type: "host-device-ipam" moves a NIC's addresses along with it, and plugin.type ${kind} leaves the NIC where it is; use plugin.type host-device, or another IPAM`,
  );
}

function refuseOwn(key: string, type: string): void {
  if (!ownOthers.includes(type)) return;
  throw new CniError(
    ErrorCode.invalidConfig,
    `${key}: "${type}" gives no addresses; write "${ownType}", or another IPAM plugin that is installed`,
  );
}

const tooMany = `has more masters than the ${mostNics} that one attachment can have; leave out those that it has not`;

const MultiConfig = () =>
  z.looseObject({
    args: z
      .record(z.string(), z.looseObject({ ipam_type: z.string().check(z.minLength(1)) }))
      .check(z.refine((args) => Object.keys(args).length <= mostNics, tooMany)),
  });

/** Addresses that the pod brings come before what the masters' own plugins would give. */
function ofMasters(conf: MultiNicNetConf, invocation: Invocation): IpamConf {
  const overrides = { runtimeIps: conf.runtimeConfig?.ips ?? [], argsIps: conf.args?.cni?.ips ?? [] };
  const given = [invocation.args.get("IP") ?? "", ...overrides.runtimeIps, ...overrides.argsIps];
  if (given.some((text) => text !== ""))
    return { mode: "static", static: parseStatic({ type: "static" }, invocation, overrides) };
  const { args } = parseConf(MultiConfig(), conf.ipam, "ipam");
  const sections = Object.entries(args).map(([master, { ipam_type: type, ...rest }]): [string, Section] => {
    refuseOwn(`ipam.args.${master}.ipam_type`, type);
    return [master, { type, ipam: { ...(rest as JsonObject), type } }];
  });
  return { mode: "delegate", each: true, byMaster: new Map(sections) };
}
