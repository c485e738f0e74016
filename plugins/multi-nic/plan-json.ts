import { CniError, ErrorCode } from "../../lib/cni/error.ts";
import type { AttachmentRecord } from "../../lib/ipam/record.ts";
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

/** The plan as it came out: with the ifindexes of the links that the kernel made, or has now, in the plan's order. */
export function encodeMade(plan: Plan, made: readonly { readonly index: number }[]): string {
  const links = plan.links.map((link, place) => ({ ...link, index: made[place]?.index }));
  return encodePlan({ ...plan, links: links as Plan["links"] });
}

/** @throws SyntaxError, RangeError or TypeError where the text is not what encodePlan wrote */
export function decodePlan(text: string): Plan {
  const plan = JSON.parse(text, (_key, value) => {
    if (typeof value !== "object" || value === null) return value;
    if (typeof value.$ip === "string") return parseAddress(value.$ip);
    if (typeof value.$cidr === "string") return parseCidr(value.$cidr);
    return value;
  });
  const lists = [plan?.links, plan?.routes, plan?.rules, plan?.wanted, plan?.delegates];
  if (!lists.every(Array.isArray)) throw new TypeError("it has no lists of links, routes and rules");
  return plan;
}

/** The plan of a record. @throws CniError io where the state database is damaged */
export function planOf({ plan, ifname, containerId, network }: AttachmentRecord): Plan {
  try {
    return decodePlan(plan);
  } catch (cause) {
    throw new CniError(
      ErrorCode.io,
      `the plan of ${ifname} of container ${containerId} on network ${network} is damaged in the state database; delete the pod, so that it is made anew`,
      { details: String(cause), cause },
    );
  }
}

/** The same for who takes the attachment away: what cannot be read, or is not there yet, is done without. */
export function readablePlanOf(record: AttachmentRecord): Plan | undefined {
  try {
    return planOf(record);
  } catch {
    return undefined;
  }
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
