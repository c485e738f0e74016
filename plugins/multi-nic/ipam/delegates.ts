import { parseJsonObject, valueIn } from "../../../lib/cni/conf.ts";
import { delegateAdd, delegateCheck, delegateDel, findDelegate, timeOf } from "../../../lib/cni/delegate.ts";
import { CniError, ErrorCode } from "../../../lib/cni/error.ts";
import { isInstalled } from "../../../lib/cni/find-plugin.ts";
import type { Invocation } from "../../../lib/cni/invocation.ts";
import type { JsonObject } from "../../../lib/cni/json.ts";
import type { Result } from "../../../lib/cni/result.ts";
import { parseAddress, parseCidr } from "../../../lib/net/address.ts";
import { type DelegateCall, mostNics, type PlannedLink } from "../plan.ts";
import type { Addressing, NicAddress } from "./addressing.ts";
import type { IpamConf, Section } from "./conf.ts";
import { wantedRoutes } from "./wanted-routes.ts";

/** @throws CniError where the IPAM cannot be called: better said before anything is made than by each of its calls */
export function requireInstalled(ipam: IpamConf, invocation: Invocation): void {
  if (ipam.mode !== "delegate") return;
  const types = "byMaster" in ipam ? [...ipam.byMaster.values()].map(({ type }) => type) : [ipam.type];
  for (const type of new Set(types)) findDelegate(type, invocation);
}

/** Each IPAM that the configuration names, once, with the configuration that STATUS and GC give it: made as it is asked for. */
export function* delegatesOf(
  ipam: IpamConf,
  { conf }: Invocation,
): Generator<{ readonly type: string; readonly conf: JsonObject }> {
  if (ipam.mode !== "delegate") return;
  if (!("byMaster" in ipam)) return yield { type: ipam.type, conf };
  const sections = new Map([...ipam.byMaster].map((entry) => [JSON.stringify(entry[1].ipam), entry]));
  for (const [master, section] of sections.values()) yield sectionCall(conf, section, master);
}

/** The configuration of one master alone: multi-nic-ipam answers for all that it is told of. */
const sectionCall = (conf: JsonObject, { type, ipam }: Section, master: string) => ({
  type,
  conf: { ...conf, ipam, master, masters: [master] },
});

/** Every name that a link of an attachment can have: an attachment without a record may have called its IPAM by these. */
export const possibleIfnames = (ifname: string): string[] => [
  ifname,
  ...Array.from({ length: mostNics }, (_, place) => `${ifname}-${place}`),
];

/** The calls of another project's IPAM that these links need: one a link, or one for all with `masters` given to it. */
export function planDelegates(
  ipam: IpamConf,
  invocation: Invocation,
  links: readonly Pick<PlannedLink, "ifname" | "master">[],
): DelegateCall[] {
  if (ipam.mode !== "delegate") return [];
  const { prevResult: _, ...conf } = invocation.conf;
  if ("byMaster" in ipam) return planByMaster(ipam.byMaster, conf, links, invocation.command);
  if (!ipam.each) {
    const masters = links.map(({ master }) => master);
    return [{ type: ipam.type, ifname: invocation.ifname, conf: JSON.stringify({ ...conf, masters }) }];
  }
  return links.map(({ ifname, master }) => ({
    type: ipam.type,
    ifname,
    conf: JSON.stringify({ ...conf, master }),
  }));
}

/** A DEL that knows no masters has nobody to ask. */
function planByMaster(
  byMaster: ReadonlyMap<string, Section>,
  conf: JsonObject,
  links: readonly Pick<PlannedLink, "ifname" | "master">[],
  command: Invocation["command"],
): DelegateCall[] {
  return links.flatMap(({ ifname, master }) => {
    const section = byMaster.get(master);
    if (section !== undefined) {
      const call = sectionCall(conf, section, master);
      return [{ type: call.type, ifname, conf: JSON.stringify(call.conf) }];
    }
    if (command !== "ADD") return [];
    throw new CniError(
      ErrorCode.invalidConfig,
      `ipam.args: has no "${master}", which the pod is attached to (only ${[...byMaster.keys()].join(", ") || "none"}); give it an ipam_type, or choose other masters`,
    );
  });
}

/**
 * Runs the IPAM calls one after another, so that NIC 0 gets the first address.
 * @throws CniError of the delegate, or where it left a NIC without an address
 */
export async function runDelegates(
  calls: readonly DelegateCall[],
  invocation: Invocation,
  links: readonly PlannedLink[],
  each: boolean,
): Promise<Addressing> {
  const results: Result[] = [];
  const timeLeft = timeOf("ADD");
  for (const { type, ifname, conf } of calls) {
    results.push(await delegateAdd(invocation, type, conf, { ifname, timeLeft }));
  }
  return each ? addressingOfEach(results, links, calls) : addressingOfAll(results[0], links, calls);
}

function addressingOfEach(
  results: readonly Result[],
  links: readonly PlannedLink[],
  calls: readonly DelegateCall[],
): Addressing {
  const nics = results.map((result) => result.ips.map((ip) => nicAddress(ip)));
  requireAddresses(nics, links, calls);
  return {
    nics,
    routes: results.flatMap((result, place) => wantedRoutes("ipam result: routes", result.routes, place)),
    dns: results[0]?.dns ?? {},
  };
}

/** An address that names no interface would have to be guessed onto one, so with several NICs it is refused. */
function addressingOfAll(
  result: Result | undefined,
  links: readonly PlannedLink[],
  calls: readonly DelegateCall[],
): Addressing {
  const nics: NicAddress[][] = links.map(() => []);
  for (const ip of result?.ips ?? []) {
    const place = ip.interface ?? (links.length === 1 ? 0 : -1);
    const nic = nics[place];
    if (nic === undefined) {
      throw new CniError(
        ErrorCode.delegate,
        `ipam.type: ${typeOf(calls)} answered ${ip.address} with ${ip.interface === undefined ? "no interface" : `interface ${ip.interface}`}, for ${links.length} NICs; use an IPAM that numbers the NICs of "masters" from 0, or write multiNICIPAM: false`,
      );
    }
    nic.push(nicAddress(ip));
  }
  requireAddresses(nics, links, calls);
  return { nics, routes: wantedRoutes("ipam result: routes", result?.routes ?? []), dns: result?.dns ?? {} };
}

function nicAddress(ip: Result["ips"][number]): NicAddress {
  const cidr = parseCidr(ip.address);
  return ip.gateway === undefined ? { cidr } : { cidr, gateway: parseAddress(ip.gateway) };
}

function requireAddresses(
  nics: readonly NicAddress[][],
  links: readonly PlannedLink[],
  calls: readonly DelegateCall[],
): void {
  const without = links.filter((_, place) => (nics[place] ?? []).length === 0).map(({ master }) => master);
  if (without.length === 0) return;
  throw new CniError(
    ErrorCode.delegate,
    `ipam.type: ${typeOf(calls)} gave no address for ${without.join(", ")}; look into its own log and its pool`,
  );
}

const typeOf = (calls: readonly DelegateCall[]): string => calls[0]?.type ?? "(none)";

/**
 * DEL of every call, each tried whatever the others answer. A plugin that is not installed any more is done without, since a
 * pod would be in Terminating for as long as it is not: what it leased is its own to collect.
 * @throws the error, or an AggregateError of several
 */
export async function undoDelegates(calls: readonly DelegateCall[], invocation: Invocation): Promise<void> {
  const errors: unknown[] = [];
  const timeLeft = timeOf("DEL");
  for (const { type, ifname, conf } of calls) {
    if (!isInstalled(type, invocation.path)) {
      const fields = { ipam: type, link: ifname, remedy: remedyOfGone };
      invocation.log.error("an IPAM that is gone keeps what it leased", fields);
      continue;
    }
    try {
      await delegateDel(invocation, type, conf, { ifname, timeLeft });
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new AggregateError(errors, `${errors.length} IPAM calls of DEL failed`);
}

const remedyOfGone = "should it be installed again, let it collect (GC), or remove the leases from its store";

/** CHECK of every call, with the result that the attachment had (SPEC.md, section 4, "Delegated plugin execution"). */
export async function checkDelegates(calls: readonly DelegateCall[], invocation: Invocation): Promise<void> {
  const prevResult = valueIn(invocation.conf, "prevResult");
  const timeLeft = timeOf("CHECK");
  for (const { type, ifname, conf } of calls) {
    await delegateCheck(invocation, type, { ...parseJsonObject(conf), prevResult }, { ifname, timeLeft });
  }
}
