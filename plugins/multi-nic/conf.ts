import * as z from "zod/mini";
import { isObject, valueIn } from "../../lib/cni/conf.ts";
import { CniError, ErrorCode } from "../../lib/cni/error.ts";
import type { Invocation } from "../../lib/cni/invocation.ts";
import {
  optionalCount,
  optionalFlag,
  optionalObject,
  optionalTextOrTexts,
  optionalTexts,
  parseConf,
  parseDns,
  sharedKeys,
} from "../../lib/cni/netconf.ts";
import { type Dns, parseResult, type Result } from "../../lib/cni/result.ts";
import type { Cidr } from "../../lib/net/address.ts";
import { parseCidr } from "../../lib/net/address.ts";
import { parseMac } from "../../lib/net/mac.ts";
import type { PodChoice } from "../../lib/nic/select.ts";
import { type DeviceName, parseDeviceNames } from "./device-conf.ts";
import { type IpamConf, parseIpam } from "./ipam/conf.ts";
import { isLentType, type LinkConf, PluginConf, parseLink } from "./link-conf.ts";
import { type PolicyConf, parsePolicy } from "./policy-conf.ts";

/** stdin of multi-nic. */
export const MultiNicNetConf = z.looseObject({
  ...sharedKeys,
  plugin: z.optional(PluginConf),
  masters: optionalTexts,
  masterNets: optionalTexts,
  multiNICIPAM: optionalFlag,
  naming: z.optional(z.enum(["indexed", "first-exact"])),
  sourceRouting: optionalFlag,
  attachPolicy: optionalObject,
  args: z.optional(
    z.looseObject({
      cni: z.optional(
        z.looseObject({
          nics: optionalCount,
          masters: optionalTextOrTexts,
          master: optionalTextOrTexts,
          ips: optionalTexts,
        }),
      ),
    }),
  ),
});
export type MultiNicNetConf = z.infer<typeof MultiNicNetConf>;

/** A configuration of multi-nic, past every check that needs no look at the machine. */
export interface MultiNicConf {
  readonly link: LinkConf;
  /** Devices to lend: these, or the masters where it is empty; undefined: links are made on the masters. */
  readonly devices: readonly DeviceName[] | undefined;
  readonly masters: readonly string[];
  readonly masterNets: readonly Cidr[];
  readonly choice: PodChoice;
  /** undefined: the network's NICs in its order, all of which have to work where they are named */
  readonly policy: PolicyConf | undefined;
  readonly naming: "indexed" | "first-exact";
  readonly sourceRouting: boolean;
  readonly ipam: IpamConf;
  /** The one address a macvlan shall have: runtimeConfig, else CNI_ARGS, else the configuration. */
  readonly mac: string | undefined;
  readonly dns: Dns | undefined;
  readonly prevResult: Result | undefined;
}

/** @throws CniError naming the key, the value and the remedy */
export function parseMultiNicConf(invocation: Invocation): MultiNicConf {
  const conf = parseConf(MultiNicNetConf, invocation.conf);
  const pod = conf.args?.cni;
  const link = parseLink(conf.plugin);
  return {
    link,
    devices: lends(link) ? parseDeviceNames(invocation.conf) : undefined,
    masters: conf.masters ?? [],
    masterNets: (conf.masterNets ?? []).map((text) => cidr("masterNets", text)),
    choice: {
      // Upstream's structures write 0 for "not given".
      nics: pod?.nics ? pod.nics : undefined,
      masters: [...list(pod?.masters), ...list(pod?.master)],
    },
    policy: conf.attachPolicy && parsePolicy(conf.attachPolicy, pod),
    naming: conf.naming ?? "indexed",
    sourceRouting: conf.sourceRouting ?? false,
    ipam: parseIpam(conf, invocation),
    mac: requestedMac(conf, invocation),
    dns: parseDns(conf.dns, "dns"),
    prevResult: conf.prevResult ? parseResult(conf.prevResult, invocation.cniVersion) : undefined,
  };
}

/** Whether it lends devices, of a configuration that may be invalid by now. */
export function saysItLends({ conf }: Invocation): boolean {
  const plugin = valueIn(conf, "plugin");
  const type = isObject(plugin) ? valueIn(plugin, "type") : undefined;
  return typeof type === "string" && isLentType(type);
}

const lends = ({ kind }: LinkConf): boolean => kind.kind === "host-device" || kind.kind === "sriov";

const list = (value: string | readonly string[] | undefined): readonly string[] =>
  value === undefined || value === "" ? [] : typeof value === "string" ? [value] : value;

function cidr(key: string, text: string): Cidr {
  try {
    return parseCidr(text);
  } catch (error) {
    throw new CniError(
      ErrorCode.invalidConfig,
      `${key}: "${text}" is no network; write one like 10.0.0.0/16`,
      {
        cause: error,
      },
    );
  }
}

function requestedMac(conf: MultiNicNetConf, invocation: Invocation): string | undefined {
  const asked = [
    ["runtimeConfig.mac", conf.runtimeConfig?.mac],
    ["CNI_ARGS MAC", invocation.args.get("MAC")],
    ["plugin.mac", conf.plugin?.mac],
  ] as const;
  const [key, text] = asked.find(([, value]) => value !== undefined && value !== "") ?? [];
  if (key === undefined) return undefined;
  try {
    return parseMac(String(text));
  } catch (error) {
    throw new CniError(
      ErrorCode.invalidConfig,
      `${key}: "${text}" is no MAC address; write a unicast one like 02:00:00:00:00:01`,
      { cause: error },
    );
  }
}
