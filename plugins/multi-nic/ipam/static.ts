import * as z from "zod/mini";
import { CniError, ErrorCode } from "../../../lib/cni/error.ts";
import type { Invocation } from "../../../lib/cni/invocation.ts";
import {
  mostEntries,
  optionalList,
  optionalObject,
  optionalText,
  parseConf,
  parseDns,
  parseRoutes,
} from "../../../lib/cni/netconf.ts";
import type { Cidr, IpAddress } from "../../../lib/net/address.ts";
import { formatCidr, parseAddress, parseCidr } from "../../../lib/net/address.ts";
import type { Addressing, NicAddress } from "./addressing.ts";
import { wantedRoutes } from "./wanted-routes.ts";

const StaticIpam = () =>
  z.looseObject({
    type: z.literal("static"),
    addresses: z.optional(
      z.array(z.looseObject({ address: z.string(), gateway: optionalText })).check(mostEntries),
    ),
    routes: optionalList,
    dns: optionalObject,
  });

/** Addresses that somebody else asks for, which stand in for the configured ones as they do for the Go plugin `static`. */
export interface Overrides {
  readonly runtimeIps: readonly string[];
  readonly argsIps: readonly string[];
}

/** What the plugin `static` does, without a process of its own. */
export interface StaticConf {
  readonly addresses: readonly NicAddress[];
  readonly routes: Addressing["routes"];
  readonly dns: Addressing["dns"];
}

/** @throws CniError naming the key, the value and the remedy */
export function parseStatic(ipam: unknown, invocation: Invocation, overrides: Overrides): StaticConf {
  const conf = parseConf(StaticIpam(), ipam, "ipam");
  const configured = (conf.addresses ?? []).map(({ address, gateway }) => ({
    cidr: cidr("ipam.addresses.address", address),
    gateway: gateway === undefined || gateway === "" ? undefined : ip("ipam.addresses.gateway", gateway),
  }));
  const replaced =
    replacing("runtimeConfig.ips", overrides.runtimeIps) ??
    replacing("args.cni.ips", overrides.argsIps) ??
    configured;
  return {
    addresses: [...replaced, ...fromArgs(invocation.args)],
    routes: wantedRoutes("ipam.routes", parseRoutes(conf.routes, "ipam.routes")),
    dns: parseDns(conf.dns, "ipam.dns") ?? {},
  };
}

function replacing(key: string, texts: readonly string[]): NicAddress[] | undefined {
  return texts.length === 0 ? undefined : texts.map((text) => ({ cidr: cidr(key, text) }));
}

/** CNI_ARGS IP=10.0.0.1/24,10.0.1.1/24;GATEWAY=10.0.0.254: a gateway belongs to the address whose network holds it. */
function fromArgs(args: ReadonlyMap<string, string>): NicAddress[] {
  const split = (key: string) => (args.get(key) ?? "").split(",").filter((text) => text !== "");
  const gateways = split("GATEWAY").map((text) => ip("CNI_ARGS GATEWAY", text));
  return split("IP").map((text) => {
    const address = cidr("CNI_ARGS IP", text);
    return { cidr: address, gateway: gateways.find((gateway) => gateway.family === address.address.family) };
  });
}

/**
 * Deals the addresses out: all of them to a single NIC; with several NICs the first of each family to the first NIC
 * and so on, since one address on two NICs would be a duplicate.
 */
export function dealStatic(conf: StaticConf, nics: number): Addressing {
  if (nics === 1) return { nics: [[...conf.addresses]], routes: conf.routes, dns: conf.dns };
  const dealt: NicAddress[][] = Array.from({ length: nics }, () => []);
  for (const family of [4, 6] as const) {
    const ofFamily = conf.addresses.filter(({ cidr: { address } }) => address.family === family);
    if (ofFamily.length !== 0 && ofFamily.length !== nics) {
      const shown = ofFamily.map((address) => formatCidr(address.cidr)).join(", ");
      throw new CniError(
        ErrorCode.invalidConfig,
        `ipam.addresses: ${ofFamily.length} IPv${family} for ${nics} NICs (${shown}); give one for each NIC, in their order, or choose ${ofFamily.length} of the NICs`,
      );
    }
    ofFamily.forEach((address, place) => {
      dealt[place]?.push(address);
    });
  }
  return { nics: dealt, routes: conf.routes, dns: conf.dns };
}

function cidr(key: string, text: string): Cidr {
  try {
    return parseCidr(text);
  } catch (error) {
    throw malformed(key, text, "an address with its prefix length, like 10.0.0.1/24", error);
  }
}

function ip(key: string, text: string): IpAddress {
  try {
    return parseAddress(text);
  } catch (error) {
    throw malformed(key, text, "an address, like 10.0.0.254", error);
  }
}

const malformed = (key: string, text: string, wanted: string, cause: unknown): CniError =>
  new CniError(ErrorCode.invalidConfig, `${key}: "${text}" is not ${wanted}`, { cause });
