import * as z from "zod/mini";
import { CniError, ErrorCode } from "../cni/error.ts";
import type { JsonObject } from "../cni/json.ts";
import {
  type Dns,
  optionalCount,
  optionalList,
  optionalObject,
  optionalText,
  optionalTextOrTexts,
  optionalTexts,
  parseConf,
  parseDns,
  parseRoutes,
  type Route,
} from "../cni/netconf.ts";
import type { Cidr, IpAddress } from "../net/address.ts";
import {
  bitsOf,
  containsAddress,
  formatAddress,
  formatCidr,
  networkOf,
  parseAddress,
  parseCidr,
} from "../net/address.ts";
import type { PoolConf } from "./blocks.ts";
import { checkPool } from "./blocks.ts";
import { defaultCoolDown } from "./lease.ts";
import type { NodeFile } from "./node-file.ts";

/** The `ipam` section of multi-nic-ipam, and the key that stands in for its subnet. */
export const PoolNetConf = z.looseObject({
  /** Upstream's place for the subnet; that of `ipam` wins. */
  subnet: optionalTextOrTexts,
  ipam: z.looseObject({
    type: optionalText,
    subnet: optionalTextOrTexts,
    interfaceBlock: optionalCount,
    hostBlock: optionalCount,
    excludeCIDRs: optionalTexts,
    hostIndex: optionalCount,
    /** The block of the only NIC, under a main plugin that names no masters. */
    interfaceIndex: optionalCount,
    /** Upstream's; there is nothing for it to choose here. */
    vlanMode: optionalText,
    /** Seconds */
    coolDown: z.optional(z.number().check(z.nonnegative())),
    /** At most one for each NIC and family; never handed out. */
    gateway: optionalTextOrTexts,
    routes: optionalList,
    dns: optionalObject,
  }),
});
export type PoolNetConf = z.infer<typeof PoolNetConf>;

/** A pool as it is configured; which host this is may be left to the node file. */
export interface PoolSettings {
  readonly pool: Omit<PoolConf, "hostIndex">;
  readonly hostIndex: number | undefined;
  readonly interfaceIndex: number;
  /** Seconds */
  readonly coolDown: number;
  readonly gateways: readonly IpAddress[];
  readonly routes: readonly Route[];
  readonly dns: Dns;
}

/** The pool of a network configuration (the whole of it). Throws CniError invalidConfig. */
export function parsePool(json: JsonObject): PoolSettings {
  const conf = parseConf(PoolNetConf, json);
  const { ipam } = conf;
  const key = ipam.subnet === undefined ? "subnet" : "ipam.subnet";
  const subnets = listOf(ipam.subnet ?? conf.subnet).map((text) => cidr(key, text));
  const excludes = (ipam.excludeCIDRs ?? []).map((text) => cidr("ipam.excludeCIDRs", text));
  const gateways = listOf(ipam.gateway).map((text) => address("ipam.gateway", text));
  checkGateways(gateways, subnets, ipam.interfaceBlock ?? 0);
  const routes = parseRoutes(ipam.routes, "ipam.routes");
  for (const [at, route] of routes.entries()) checkRoute(`ipam.routes[${at}]`, route);
  return {
    pool: {
      subnets,
      interfaceBlock: ipam.interfaceBlock ?? 0,
      hostBlock: ipam.hostBlock ?? 0,
      excludes: [...excludes, ...gateways.map(asCidr)],
    },
    hostIndex: ipam.hostIndex,
    interfaceIndex: ipam.interfaceIndex ?? 0,
    coolDown: ipam.coolDown ?? defaultCoolDown,
    gateways,
    routes,
    dns: parseDns(ipam.dns, "ipam.dns") ?? {},
  };
}

/**
 * The pool with this host's index: that of the configuration, else of the node file. Throws CniError
 * invalidConfig when hosts have to be told apart and neither is there: two that guess would double addresses.
 */
export function poolOfHost(
  { pool, hostIndex }: PoolSettings,
  nodeFile: NodeFile | undefined,
  nodeFilePath: string,
): PoolConf {
  const index = hostIndex ?? nodeFile?.hostIndex;
  if (index === undefined && pool.hostBlock > 0) {
    throw new CniError(
      ErrorCode.invalidConfig,
      `ipam.hostIndex: missing, with ipam.hostBlock: ${pool.hostBlock}; set it in this node's configuration, ` +
        `different on each host, or write it to "${nodeFilePath}", as in {"hostIndex": 0}`,
    );
  }
  const whole = { ...pool, hostIndex: index ?? 0 };
  checkPool(whole);
  return whole;
}

/**
 * The block of each master: the node file's, else the master's position. Throws CniError invalidConfig when
 * that gives two masters one block.
 */
export function interfaceIndexes(masters: readonly string[], nodeFile: NodeFile | undefined): number[] {
  const known = new Map(nodeFile?.masters?.map(({ name, interfaceIndex }) => [name, interfaceIndex]));
  const indexes = masters.map((name, position) => known.get(name) ?? position);
  const twice = indexes.findIndex((index, at) => indexes.indexOf(index) !== at);
  if (twice < 0) return indexes;
  const index = indexes[twice];
  throw new CniError(
    ErrorCode.invalidConfig,
    `masters: "${masters[indexes.indexOf(index ?? -1)]}" and "${masters[twice]}" both have interface ` +
      `index ${index}; name each master once, and give either all of them or none an index in the node file`,
  );
}

function listOf(value: string | readonly string[] | undefined): readonly string[] {
  // Upstream's operator writes "" where nothing is set.
  if (value === undefined || value === "") return [];
  return typeof value === "string" ? [value] : value;
}

/** Each gateway is that of the NIC whose block of the subnet it is in, and a block has one. */
function checkGateways(
  gateways: readonly IpAddress[],
  subnets: readonly Cidr[],
  interfaceBlock: number,
): void {
  const byBlock = new Map<string, IpAddress>();
  for (const gateway of gateways) {
    const text = formatAddress(gateway);
    const subnet = subnets.find((each) => containsAddress(each, gateway));
    if (subnet === undefined) {
      throw invalid(
        `ipam.gateway: "${text}" is in no subnet; give an address of the subnet, or leave it out`,
      );
    }
    const prefix = Math.min(subnet.prefix + interfaceBlock, bitsOf(gateway.family));
    const block = formatCidr(networkOf({ address: gateway, prefix }));
    const other = byBlock.get(block);
    if (other !== undefined) {
      throw invalid(
        `ipam.gateway: "${formatAddress(other)}" and "${text}" are both in ${block}, the block of one NIC; give one for each NIC`,
      );
    }
    byBlock.set(block, gateway);
  }
}

function checkRoute(key: string, { dst, gw }: Route): void {
  const { family } = cidr(`${key}.dst`, dst).address;
  if (gw === undefined || gw === "") return;
  if (address(`${key}.gw`, gw).family !== family) {
    throw invalid(`${key}.gw: "${gw}" is not of the family of dst "${dst}"; give one that is`);
  }
}

function asCidr(single: IpAddress): Cidr {
  return { address: single, prefix: bitsOf(single.family) };
}

function cidr(key: string, text: string): Cidr {
  return explained(key, "write a network as in 192.168.0.0/16 or fd00::/48", () => parseCidr(text));
}

function address(key: string, text: string): IpAddress {
  return explained(key, "write an address as in 192.168.0.1 or fd00::1", () => parseAddress(text));
}

function explained<T>(key: string, remedy: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new CniError(ErrorCode.invalidConfig, `${key}: ${cause.message}; ${remedy}`, { cause });
  }
}

function invalid(message: string): CniError {
  return new CniError(ErrorCode.invalidConfig, message);
}
