import { readFileSync } from "node:fs";
import { isObject } from "../../cni/conf.ts";
import { CniError, ErrorCode } from "../../cni/error.ts";
import type { Json } from "../../cni/json.ts";
import type { DeviceClass, DeviceId } from "../policy/device-class.ts";

const example = 'write it like {"fast": {"ids": [{"vendor": "15b3", "products": ["101d"]}]}}';

/**
 * The class of that name in the file of classes: by their names, each as the `spec` of upstream's DeviceClass. Read without
 * zod, which an ADD would load a second time for it.
 * @throws CniError io where the file cannot be read, invalidConfig where it is not what it should be or has no such class
 */
export function readDeviceClass(path: string, name: string): DeviceClass {
  const classes = parsed(path, textOf(path, name));
  if (!isObject(classes)) throw broken(path, "is no object");
  // All of it, so that a mistake is told before the day that its class is asked for.
  const read = new Map(Object.entries(classes).map(([key, value]) => [key, idsOf(path, key, value)]));
  const ids = read.get(name);
  if (ids !== undefined) return { name, ids };
  const known = [...read.keys()].sort().join(", ") || "(none)";
  throw new CniError(
    ErrorCode.invalidConfig,
    `class: ${JSON.stringify(name)} is not in class file "${path}"; name one of: ${known}`,
  );
}

function idsOf(path: string, name: string, value: Json | undefined): DeviceId[] {
  const ids = isObject(value) ? value.ids : undefined;
  if (!Array.isArray(ids) || ids.length === 0) throw broken(path, `has no list ${name}.ids`);
  return ids.map((id: Json, at) => {
    const key = `${name}.ids[${at}]`;
    if (!isObject(id)) throw broken(path, `has no object ${key}`);
    const products = id.products ?? [];
    if (!Array.isArray(products)) throw broken(path, `has no list ${key}.products`);
    return {
      vendor: digits(path, `${key}.vendor`, id.vendor),
      products: products.map((product, place) => digits(path, `${key}.products[${place}]`, product)),
    };
  });
}

function digits(path: string, key: string, value: Json | undefined): string {
  const [, found] = /^(?:0x)?([0-9a-f]{4})$/i.exec(typeof value === "string" ? value : "") ?? [];
  if (found === undefined)
    throw broken(path, `has ${key}: ${JSON.stringify(value)}, which is not four hex digits in quotes`);
  return found.toLowerCase();
}

function textOf(path: string, name: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") {
      throw new CniError(
        ErrorCode.invalidConfig,
        `class: ${JSON.stringify(name)} is asked for, and there is no class file "${path}"; ${example}`,
        { cause },
      );
    }
    throw new CniError(ErrorCode.io, `class file "${path}" cannot be read; make it a readable file`, {
      details: (cause as Error).message,
      cause,
    });
  }
}

function parsed(path: string, text: string): Json {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw broken(path, "is not JSON", cause);
  }
}

const broken = (path: string, what: string, cause?: unknown): CniError =>
  new CniError(ErrorCode.invalidConfig, `class file "${path}" ${what}; ${example}`, { cause });
