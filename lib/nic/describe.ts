import { CniError, ErrorCode } from "../cni/error.ts";
import { formatCidr } from "../net/address.ts";
import { compareNames, type Nic } from "./nic.ts";

/** A host can have thousands of links: a message names the first few. */
const namesShown = 16;

/** "eth1, eth2", or "(none)" */
export function namesOrNone(nics: readonly Nic[]): string {
  const names = [...nics].sort(byName).map((nic) => nic.name);
  if (names.length === 0) return "(none)";
  return names.slice(0, namesShown).join(", ") + (names.length > namesShown ? ", …" : "");
}

/** "eth1 (up, 10.1.0.1/16), eth2 (down, no address)" */
export function describe(nics: readonly Nic[]): string {
  const shown = [...nics].sort(byName).slice(0, namesShown).map(state);
  return shown.length === 0 ? "(none)" : shown.join(", ");
}

function state(nic: Nic): string {
  const traits = [
    nic.up ? (nic.carrier ? "up" : "no carrier") : "down",
    nic.addresses.length === 0 ? "no address" : nic.addresses.map(formatCidr).join(" "),
    ...(nic.physical ? [] : ["virtual"]),
    ...(nic.defaultRoute ? ["default route"] : []),
  ];
  return `${nic.name} (${traits.join(", ")})`;
}

export const byName = (a: Nic, b: Nic): number => compareNames(a.name, b.name);

/** What is wrong with a NIC that is named under a key of the configuration. A name as no link has is cut. */
export function refusal(key: string, name: string, what: string): CniError {
  const shown = name.length > 120 ? `${name.slice(0, 117)}...` : name;
  return new CniError(ErrorCode.invalidConfig, `${key}: "${shown}" ${what}`);
}
