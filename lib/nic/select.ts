import { CniError, ErrorCode } from "../cni/error.ts";
import type { Cidr } from "../net/address.ts";
import { containsAddress, formatCidr } from "../net/address.ts";
import { compareNames, type Nic } from "./nic.ts";

/** What a network offers: the first of masters, masterNets, nodeMasters that is not empty, else every secondary NIC. */
export interface Offer {
  readonly masters: readonly string[];
  readonly masterNets: readonly Cidr[];
  /** From the node file. */
  readonly nodeMasters: readonly NodeMaster[];
}

export interface NodeMaster {
  readonly name: string;
  readonly interfaceIndex: number;
}

/** What the pod asks for by its cni-args; both may be left out. */
export interface PodChoice {
  readonly nics: number | undefined;
  readonly masters: readonly string[];
}

/** What the links of a network need of their master. */
export interface Needs {
  /** Why an address is needed ("ipvlan l3 …"), or undefined where none is. */
  readonly addressFor: string | undefined;
}

/**
 * A chosen NIC and its interface index: which block of the subnet is its own. The index is the NIC's place in what
 * the network offers, not in what the pod chose, and a NIC that is down keeps its place, so that one NIC has one
 * block for every pod of every host.
 */
export interface SelectedNic {
  readonly nic: Nic;
  readonly interfaceIndex: number;
}

/**
 * Chooses the masters of an attachment, in the network's order.
 * @throws CniError invalidConfig naming the key, the value and what could be written instead
 */
export function selectNics(
  nics: readonly Nic[],
  offer: Offer,
  choice: PodChoice,
  needs: Needs,
): SelectedNic[] {
  const offered = withNodeIndexes(offeredNics(nics, offer, needs), offer.nodeMasters);
  const chosen = choice.masters.length > 0 ? chosenByName(offered, choice.masters) : offered;
  if (choice.nics === undefined) return chosen;
  if (choice.nics > chosen.length) {
    throw new CniError(
      ErrorCode.invalidConfig,
      `args.cni.nics: ${choice.nics} are asked for and ${chosen.length} can be had (${namesOf(chosen)}); ask for at most ${chosen.length}`,
    );
  }
  return chosen.slice(0, choice.nics);
}

function offeredNics(nics: readonly Nic[], offer: Offer, needs: Needs): SelectedNic[] {
  if (offer.masters.length > 0) return named(nics, offer.masters.map(indexed), "masters", needs);
  if (offer.masterNets.length > 0) return ofNetworks(nics, offer.masterNets);
  if (offer.nodeMasters.length > 0) return named(nics, offer.nodeMasters, "node file: masters", needs);
  return secondary(nics);
}

/** Where the node says which block a NIC has, that holds. */
function withNodeIndexes(offered: readonly SelectedNic[], nodeMasters: readonly NodeMaster[]): SelectedNic[] {
  const known = new Map(nodeMasters.map(({ name, interfaceIndex }) => [name, interfaceIndex]));
  const byIndex = new Map<number, string>();
  return offered.map(({ nic, interfaceIndex: place }) => {
    const interfaceIndex = known.get(nic.name) ?? place;
    const other = byIndex.get(interfaceIndex);
    if (other !== undefined) {
      throw refusal(
        "node file: masters",
        nic.name,
        `and "${other}" would both have interface index ${interfaceIndex}; give either all NICs of the network or none an index`,
      );
    }
    byIndex.set(interfaceIndex, nic.name);
    return { nic, interfaceIndex };
  });
}

const indexed = (name: string, interfaceIndex: number): NodeMaster => ({ name, interfaceIndex });

/** NICs that somebody named must be there and work: to leave one out would be to attach less than was written. */
function named(
  nics: readonly Nic[],
  masters: readonly NodeMaster[],
  key: string,
  needs: Needs,
): SelectedNic[] {
  const byName = new Map(nics.map((nic) => [nic.name, nic]));
  const seen = new Set<string>();
  return masters.map(({ name, interfaceIndex }) => {
    const nic = byName.get(name);
    if (nic === undefined) {
      throw refusal(key, name, `is no link of this host; name one of: ${namesOrNone(nics)}`);
    }
    if (seen.has(name)) throw refusal(key, name, "is named twice; name each NIC once");
    seen.add(name);
    requireUsable(nic, key, needs);
    return { nic, interfaceIndex };
  });
}

function requireUsable(nic: Nic, key: string, needs: Needs): void {
  if (!nic.up) throw refusal(key, nic.name, `is down; run: ip link set ${nic.name} up`);
  if (!nic.carrier) {
    throw refusal(
      key,
      nic.name,
      "has no carrier; check its cable and switch port, or leave it out of masters",
    );
  }
  if (needs.addressFor !== undefined && nic.addresses.length === 0) {
    throw refusal(
      key,
      nic.name,
      `has no address, which ${needs.addressFor} needs; give it one, or use mode l2`,
    );
  }
}

/**
 * The NICs with an address in one of the networks. The first NIC of a network has the network's place as its index;
 * further NICs on the same network come behind all of those, since several NICs on one subnet stay several.
 */
function ofNetworks(nics: readonly Nic[], masterNets: readonly Cidr[]): SelectedNic[] {
  const first: SelectedNic[] = [];
  const further: SelectedNic[] = [];
  const taken = new Set<string>();
  masterNets.forEach((net, place) => {
    const ofNet = [...nics].sort(byName).filter((nic) => !taken.has(nic.name) && isOn(nic, net));
    for (const [i, nic] of ofNet.entries()) {
      taken.add(nic.name);
      if (i === 0) first.push({ nic, interfaceIndex: place });
      else further.push({ nic, interfaceIndex: masterNets.length + further.length });
    }
  });
  const usable = [...first, ...further].filter(({ nic }) => nic.up && nic.carrier);
  if (usable.length > 0) return usable;
  throw new CniError(
    ErrorCode.invalidConfig,
    `masterNets: no NIC of this host that is up has an address in ${masterNets.map(formatCidr).join(", ")}; its NICs: ${describe(nics)}`,
  );
}

function secondary(nics: readonly Nic[]): SelectedNic[] {
  const candidates = nics.filter((nic) => nic.physical && !nic.defaultRoute).sort(byName);
  const usable = candidates
    .map((nic, interfaceIndex) => ({ nic, interfaceIndex }))
    .filter(({ nic }) => nic.up && nic.carrier && nic.addresses.length > 0);
  if (usable.length > 0) return usable;
  throw new CniError(
    ErrorCode.invalidConfig,
    `masters: this host has no secondary NIC that is physical, up and has an address; name masters or masterNets, or set one up: ${describe(nics)}`,
  );
}

function chosenByName(offered: readonly SelectedNic[], masters: readonly string[]): SelectedNic[] {
  for (const name of masters) {
    if (!offered.some(({ nic }) => nic.name === name)) {
      throw refusal(
        "args.cni.masters",
        name,
        `is not offered by this network; name one of: ${namesOf(offered)}`,
      );
    }
  }
  return offered.filter(({ nic }) => masters.includes(nic.name));
}

const isOn = (nic: Nic, net: Cidr): boolean =>
  nic.addresses.some((cidr) => containsAddress(net, cidr.address));
const byName = (a: Nic, b: Nic): number => compareNames(a.name, b.name);
const namesOf = (selected: readonly SelectedNic[]): string => selected.map(({ nic }) => nic.name).join(", ");

/** A host can have thousands of links: a message names the first few. */
const namesShown = 16;

function namesOrNone(nics: readonly Nic[]): string {
  const names = [...nics].sort(byName).map((nic) => nic.name);
  if (names.length === 0) return "(none)";
  return names.slice(0, namesShown).join(", ") + (names.length > namesShown ? ", …" : "");
}

function describe(nics: readonly Nic[]): string {
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

const refusal = (key: string, name: string, what: string): CniError =>
  new CniError(ErrorCode.invalidConfig, `${key}: "${name}" ${what}`);
