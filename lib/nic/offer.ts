import { CniError, ErrorCode } from "../cni/error.ts";
import type { Cidr } from "../net/address.ts";
import { containsAddress } from "../net/address.ts";
import { byName, describe, namesOrNone, refusal } from "./describe.ts";
import type { Nic } from "./nic.ts";

/** What a network offers: masters, else masterNets, unless they are empty; else nodeMasters; else every secondary NIC. */
export interface Offer {
  readonly masters: readonly string[];
  readonly masterNets: readonly Cidr[];
  /** From the node file; undefined where it does not say which, [] where it says that there is none */
  readonly nodeMasters: readonly NodeMaster[] | undefined;
}

export interface NodeMaster {
  readonly name: string;
  readonly interfaceIndex: number;
}

/**
 * A chosen NIC and its interface index: which block of the subnet is its own. The index is the NIC's place in what
 * the network offers, not in what the pod chose, and a NIC that is down keeps its place, so that one NIC has one
 * block for every pod of every host.
 */
export interface SelectedNic<N extends Nic = Nic> {
  readonly nic: N;
  readonly interfaceIndex: number;
}

/** By which of its keys a network offers its NICs. */
export type OfferKey = "masters" | "masterNets" | "node file: masters" | "none";

export function offerKey({ masters, masterNets, nodeMasters }: Offer): OfferKey {
  if (masters.length > 0) return "masters";
  if (masterNets.length > 0) return "masterNets";
  return nodeMasters === undefined ? "none" : "node file: masters";
}

/**
 * The NICs that a network offers on this host, in its order, those that do not work among them.
 * @throws CniError invalidConfig for a name that is no link, or is there twice, and where the node file names none
 */
export function offeredNics<N extends Nic>(nics: readonly N[], offer: Offer): SelectedNic<N>[] {
  const key = offerKey(offer);
  switch (key) {
    case "masters":
      return named(nics, offer.masters.map(indexed), key);
    case "masterNets":
      return ofNetworks(nics, offer.masterNets);
    case "node file: masters":
      if (!offer.nodeMasters?.length) throw noNodeMaster(nics);
      return named(nics, offer.nodeMasters, key);
    case "none":
      return nics
        .filter((nic) => nic.physical && !nic.defaultRoute)
        .sort(byName)
        .map((nic, interfaceIndex) => ({ nic, interfaceIndex }));
  }
}

/** The node file says that no NIC of this host is the network's: to take another would be to guess its block. */
export const noNodeMaster = (nics: readonly Nic[]): CniError =>
  new CniError(
    ErrorCode.invalidConfig,
    `node file: masters: is empty, so that no NIC of this host is the network's; multi-nicd writes that where no link has an address that the cluster file gives this host (multi-nicd routes names them): set those addresses, or correct the cluster file; its NICs: ${describe(nics)}`,
  );

const indexed = (name: string, interfaceIndex: number): NodeMaster => ({ name, interfaceIndex });

function named<N extends Nic>(
  nics: readonly N[],
  masters: readonly NodeMaster[],
  key: string,
): SelectedNic<N>[] {
  const byItsName = new Map(nics.map((nic) => [nic.name, nic]));
  const seen = new Set<string>();
  return masters.map(({ name, interfaceIndex }) => {
    const nic = byItsName.get(name);
    if (nic === undefined)
      throw refusal(key, name, `is no link of this host; name one of: ${namesOrNone(nics)}`);
    if (seen.has(name)) throw refusal(key, name, "is named twice; name each NIC once");
    seen.add(name);
    return { nic, interfaceIndex };
  });
}

/**
 * The NICs with an address in one of the networks. The first NIC of a network has the network's place as its index;
 * further NICs on the same network come behind all of those, since several NICs on one subnet stay several.
 */
function ofNetworks<N extends Nic>(nics: readonly N[], masterNets: readonly Cidr[]): SelectedNic<N>[] {
  const sorted = [...nics].sort(byName);
  const first: SelectedNic<N>[] = [];
  const further: SelectedNic<N>[] = [];
  const taken = new Set<string>();
  masterNets.forEach((net, place) => {
    const ofNet = sorted.filter((nic) => !taken.has(nic.name) && isOn(nic, net));
    for (const [i, nic] of ofNet.entries()) {
      taken.add(nic.name);
      if (i === 0) first.push({ nic, interfaceIndex: place });
      else further.push({ nic, interfaceIndex: masterNets.length + further.length });
    }
  });
  return [...first, ...further];
}

const isOn = (nic: Nic, net: Cidr): boolean =>
  nic.addresses.some((cidr) => containsAddress(net, cidr.address));

/**
 * Where the node says which block a NIC has, that holds.
 * @throws CniError invalidConfig where two NICs would have one block
 */
export function withNodeIndexes<N extends Nic>(
  selected: readonly SelectedNic<N>[],
  nodeMasters: Offer["nodeMasters"] = [],
): SelectedNic<N>[] {
  const known = new Map(nodeMasters.map(({ name, interfaceIndex }) => [name, interfaceIndex]));
  const byIndex = new Map<number, string>();
  return selected.map(({ nic, interfaceIndex: place }) => {
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
