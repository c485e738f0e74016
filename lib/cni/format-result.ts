import { CniError, ErrorCode } from "./error.ts";
import type { Json, JsonObject } from "./json.ts";
import { dnsFields, type Result, type ResultIp, type ResultShape, shapeOf } from "./result.ts";

/** The result as the version has it. Code 1 for a version that is none of ours, 7 for a result it cannot hold. */
export function formatResult(result: Result, version: string): JsonObject {
  const shape = shapeOf(version);
  const body = shape.perFamily ? formatPerFamily(result, version, shape) : formatLists(result, shape);
  return { cniVersion: version, ...body, dns: pick(result.dns, dnsFields) };
}

function formatLists({ interfaces, ips, routes }: Result, shape: ResultShape): JsonObject {
  return {
    ...listed(
      "interfaces",
      interfaces.map((one) => pick(one, shape.interfaceFields)),
    ),
    ...listed(
      "ips",
      ips.map((ip) => formatIp(ip, shape)),
    ),
    ...listed(
      "routes",
      routes.map((route) => pick(route, shape.routeFields)),
    ),
  };
}

/** The reference leaves empty lists out (`omitempty`). */
function listed(key: string, entries: readonly JsonObject[]): JsonObject {
  return entries.length === 0 ? {} : { [key]: entries };
}

function formatIp(ip: ResultIp, { ipVersion }: ResultShape): JsonObject {
  const version = ipVersion ? { version: familyOf(ip.address) } : {};
  return { ...version, ...pick(ip, ["interface", "address", "gateway"]) };
}

function formatPerFamily({ ips, routes }: Result, version: string, shape: ResultShape): JsonObject {
  const formatted = (["4", "6"] as const).flatMap((family): [string, JsonObject][] => {
    const ip = ips.find(({ address }) => familyOf(address) === family);
    if (ip === undefined) return [];
    const own = routes
      .filter(({ dst }) => familyOf(dst) === family)
      .map((route) => pick(route, shape.routeFields));
    const gateway = pick(ip, ["gateway"]);
    return [[`ip${family}`, { ip: ip.address, ...gateway, ...listed("routes", own) }]];
  });
  if (formatted.length > 0) return Object.fromEntries(formatted);
  throw new CniError(
    ErrorCode.invalidConfig,
    `cniVersion: "${version}" has no result without an IP address; use 0.3.0 or newer, or give "ipam" a type`,
  );
}

function familyOf(address: string): "4" | "6" {
  return address.includes(":") ? "6" : "4";
}

function pick<T extends object>(from: T, keys: readonly (keyof T & string)[]): JsonObject {
  const entries = keys.flatMap((key) => (from[key] === undefined ? [] : [[key, from[key] as Json]]));
  return Object.fromEntries(entries) as JsonObject;
}
