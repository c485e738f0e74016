import { valueIn } from "./conf.ts";
import type { JsonObject } from "./json.ts";
import { Reading } from "./reading.ts";
import { checkSupported } from "./version.ts";

/** A CNI result in its newest shape (1.1.0). Addresses are text: they come from and go to other plugins. */
export interface Result {
  readonly interfaces: readonly ResultInterface[];
  readonly ips: readonly ResultIp[];
  readonly routes: readonly ResultRoute[];
  readonly dns: Dns;
}

export interface ResultInterface {
  readonly name: string;
  readonly mac?: string;
  readonly mtu?: number;
  /** Path of the network namespace; absent for an interface of the host. */
  readonly sandbox?: string;
  readonly socketPath?: string;
  readonly pciID?: string;
}

export interface ResultIp {
  /** Address and prefix length: "192.168.0.1/18" */
  readonly address: string;
  readonly gateway?: string;
  /** Index into `interfaces`. */
  readonly interface?: number;
}

export interface ResultRoute {
  readonly dst: string;
  readonly gw?: string;
  readonly mtu?: number;
  readonly advmss?: number;
  readonly priority?: number;
  readonly table?: number;
  readonly scope?: number;
}

export interface Dns {
  readonly nameservers?: readonly string[];
  readonly domain?: string;
  readonly search?: readonly string[];
  readonly options?: readonly string[];
}

export const emptyResult: Result = { interfaces: [], ips: [], routes: [], dns: {} };

/** What the results of a version hold. What is not listed is neither written nor read: newer fields never leak. */
export interface ResultShape {
  /** One address of each family under ip4 and ip6, each with its routes, instead of lists. */
  readonly perFamily: boolean;
  /** Addresses say their family: "version": "4". */
  readonly ipVersion: boolean;
  readonly interfaceFields: readonly (keyof ResultInterface)[];
  readonly routeFields: readonly (keyof ResultRoute)[];
}

export const dnsFields = ["nameservers", "domain", "search", "options"] as const;
const oldInterface = ["name", "mac", "sandbox"] as const;
const oldRoute = ["dst", "gw"] as const;
const newInterface = ["name", "mac", "mtu", "sandbox", "socketPath", "pciID"] as const;
const newRoute = ["dst", "gw", "mtu", "advmss", "priority", "table", "scope"] as const;

const perFamily = { perFamily: true, ipVersion: false, interfaceFields: [], routeFields: oldRoute };
const v03 = { perFamily: false, ipVersion: true, interfaceFields: oldInterface, routeFields: oldRoute };
const v10 = { ...v03, ipVersion: false };
const v11 = { ...v10, interfaceFields: newInterface, routeFields: newRoute };

const shapes: Readonly<Record<string, ResultShape>> = {
  "0.1.0": perFamily,
  "0.2.0": perFamily,
  "0.3.0": v03,
  "0.3.1": v03,
  "0.4.0": v03,
  "1.0.0": v10,
  "1.1.0": v11,
};

/** The shape of a version's results. Code 1 where the version is none of ours. */
export function shapeOf(version: string): ResultShape {
  checkSupported(version);
  return shapes[version] ?? v11;
}

/**
 * A result of another plugin, or a prevResult, in the shape of its own cniVersion; `version` where it says none.
 * Code 6 for what is no result, naming the key under `at`; 1 for a version that is none of ours.
 */
export function parseResult(json: unknown, version: string, at = "prevResult"): Result {
  const read = new Reading(at);
  const result = read.object(json, "");
  const shape = shapeOf(read.text(result, "", "cniVersion") || version);
  return shape.perFamily ? parsePerFamily(result, shape, read) : parseLists(result, shape, read);
}

function parseLists(result: JsonObject, shape: ResultShape, read: Reading): Result {
  return {
    interfaces: read
      .list(result, "", "interfaces")
      .map(([one, key]) => parseInterface(one, key, shape, read)),
    ips: read.list(result, "", "ips").map(([ip, key]) => parseIp(ip, key, read)),
    routes: read.list(result, "", "routes").map(([route, key]) => parseRoute(route, key, shape, read)),
    dns: parseDns(result, read),
  };
}

function parsePerFamily(result: JsonObject, shape: ResultShape, read: Reading): Result {
  const families = ["ip4", "ip6"].flatMap((key): [JsonObject, string][] => {
    const value = valueIn(result, key);
    return value === undefined ? [] : [[read.object(value, key), key]];
  });
  return {
    interfaces: [],
    ips: families.map(([family, key]) => ({
      address: read.cidr(family, key, "ip"),
      ...defined("gateway", read.ip(family, key, "gateway")),
    })),
    routes: families.flatMap(([family, key]) =>
      read.list(family, key, "routes").map(([route, at]) => parseRoute(route, at, shape, read)),
    ),
    dns: parseDns(result, read),
  };
}

function parseInterface(one: JsonObject, key: string, shape: ResultShape, read: Reading): ResultInterface {
  const entries = shape.interfaceFields.map((field) => [
    field,
    field === "mtu" ? read.integer(one, key, field) : read.text(one, key, field),
  ]);
  const name = read.text(one, key, "name");
  if (name === undefined) throw read.refuse(`${key}.name`, undefined, "text");
  return { ...definedOf<ResultInterface>(entries), name };
}

function parseIp(ip: JsonObject, key: string, read: Reading): ResultIp {
  const index = read.integer(ip, key, "interface");
  return {
    address: read.cidr(ip, key, "address"),
    ...defined("gateway", read.ip(ip, key, "gateway")),
    // Old libraries wrote -1 for "none".
    ...defined("interface", index === undefined || index < 0 ? undefined : index),
  };
}

function parseRoute(route: JsonObject, key: string, shape: ResultShape, read: Reading): ResultRoute {
  const numbers = shape.routeFields.filter((field) => field !== "dst" && field !== "gw");
  return {
    dst: read.cidr(route, key, "dst"),
    ...defined("gw", read.ip(route, key, "gw")),
    ...definedOf<Omit<ResultRoute, "dst">>(numbers.map((field) => [field, read.integer(route, key, field)])),
  };
}

function parseDns(result: JsonObject, read: Reading): Dns {
  const dns = read.object(valueIn(result, "dns") ?? {}, "dns");
  const field = (name: string) =>
    name === "domain" ? read.text(dns, "dns", name) : read.texts(dns, "dns", name);
  return definedOf<Dns>(dnsFields.map((name) => [name, field(name)]));
}

function defined<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } {
  return value === undefined ? {} : ({ [key]: value } as { [K in Key]: Value });
}

function definedOf<T>(entries: readonly (readonly unknown[])[]): T {
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as T;
}
