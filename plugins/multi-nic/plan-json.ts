import { formatAddress, formatCidr, parseAddress, parseCidr } from "../../lib/net/address.ts";
import type { Plan } from "./plan.ts";

/*
 * A plan as text, for the store: addresses and networks are written as people write them, so that a record can be read
 * with sqlite3. The two values that JSON does not have are told apart by their shape.
 */

interface AddressShape {
  readonly family: 4 | 6;
  readonly value: bigint;
}

export function encodePlan(plan: Plan): string {
  return JSON.stringify(textual(plan));
}

/** @throws SyntaxError or RangeError where the text is not what encodePlan wrote */
export function decodePlan(text: string): Plan {
  return JSON.parse(text, (_key, value) => {
    if (typeof value !== "object" || value === null) return value;
    if (typeof value.$ip === "string") return parseAddress(value.$ip);
    if (typeof value.$cidr === "string") return parseCidr(value.$cidr);
    return value;
  });
}

function textual(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(textual);
  if (typeof value !== "object" || value === null) return value;
  if (isAddress(value)) return { $ip: formatAddress(value) };
  if (isCidr(value)) return { $cidr: formatCidr(value) };
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, textual(entry)]));
}

const isAddress = (value: object): value is AddressShape =>
  "value" in value && typeof value.value === "bigint";
const isCidr = (value: object): value is { address: AddressShape; prefix: number } =>
  "prefix" in value && "address" in value && isAddress(Object(value.address));
