import { parseAddress } from "../net/address.ts";
import { isObject, valueIn } from "./conf.ts";
import { CniError, ErrorCode } from "./error.ts";
import type { Json, JsonObject } from "./json.ts";

/** Takes values out of JSON by key, in any case of it, and says under which key what is not as it must be. */
export class Reading {
  readonly #at: string;

  constructor(at: string) {
    this.#at = at;
  }

  refuse(key: string, value: Json | undefined, wanted: string): CniError {
    const path = [this.#at, key].filter(Boolean).join(".");
    const what = value === undefined ? "missing; it must be" : `${JSON.stringify(value)} is not`;
    return new CniError(ErrorCode.decode, `${path}: ${what} ${wanted}`);
  }

  object(value: unknown, key: string): JsonObject {
    const json = value as Json | undefined;
    if (!isObject(json)) throw this.refuse(key, json, "an object");
    return json;
  }

  list(from: JsonObject, parent: string, name: string): [JsonObject, string][] {
    const value = valueIn(from, name) ?? [];
    const key = join(parent, name);
    if (!Array.isArray(value)) throw this.refuse(key, value, "a list");
    return value.map((entry: Json, i) => [this.object(entry, `${key}[${i}]`), `${key}[${i}]`]);
  }

  text(from: JsonObject, parent: string, name: string): string | undefined {
    const value = valueIn(from, name);
    if (value === undefined || typeof value === "string") return value;
    throw this.refuse(join(parent, name), value, "text");
  }

  texts(from: JsonObject, parent: string, name: string): readonly string[] | undefined {
    const value = valueIn(from, name);
    if (value === undefined) return undefined;
    if (Array.isArray(value) && value.every((entry) => typeof entry === "string")) return value;
    throw this.refuse(join(parent, name), value, "a list of text");
  }

  integer(from: JsonObject, parent: string, name: string): number | undefined {
    const value = valueIn(from, name);
    if (value === undefined || Number.isSafeInteger(value)) return value as number | undefined;
    throw this.refuse(join(parent, name), value, "a whole number");
  }

  /** undefined for "" too: so some plugins write a gateway that is none. */
  ip(from: JsonObject, parent: string, name: string): string | undefined {
    const text = this.text(from, parent, name) || undefined;
    if (text === undefined || familyOf(text) !== undefined) return text;
    throw this.refuse(join(parent, name), text, "an IP address");
  }

  cidr(from: JsonObject, parent: string, name: string): string {
    const text = this.text(from, parent, name);
    if (text !== undefined && isCidr(text)) return text;
    throw this.refuse(join(parent, name), text, "an address with its prefix length, like 10.0.0.1/24");
  }
}

function isCidr(text: string): boolean {
  const [address = "", prefix = "", ...more] = text.split("/");
  const bits = { 4: 32, 6: 128, none: -1 }[familyOf(address) ?? "none"];
  return more.length === 0 && /^\d{1,3}$/.test(prefix) && Number(prefix) <= bits;
}

/** Not by isIP of node:net, which loads the streams: 7 ms. Others may write IPv6 with a dotted quad at its end. */
function familyOf(text: string): 4 | 6 | undefined {
  const quad = text.includes(":") && text.includes(".") ? text.slice(text.lastIndexOf(":") + 1) : "";
  try {
    if (quad !== "") return parseAddress(quad) && parseAddress(`${text.slice(0, -quad.length)}0:0`).family;
    return parseAddress(text).family;
  } catch {
    return undefined;
  }
}

function join(parent: string, name: string): string {
  return parent === "" ? name : `${parent}.${name}`;
}
