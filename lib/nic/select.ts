import { CniError, ErrorCode } from "../cni/error.ts";
import { formatCidr } from "../net/address.ts";
import { describe, refusal } from "./describe.ts";
import type { Nic } from "./nic.ts";
import { type Offer, offeredNics, offerKey, type SelectedNic, withNodeIndexes } from "./offer.ts";

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
 * Chooses the masters of an attachment, in the network's order.
 * @throws CniError invalidConfig naming the key, the value and what could be written instead
 */
export function selectNics(
  nics: readonly Nic[],
  offer: Offer,
  choice: PodChoice,
  needs: Needs,
): SelectedNic[] {
  const offered = withNodeIndexes(usableNics(nics, offer, needs), offer.nodeMasters);
  const chosen = chosenByName(offered, choice.masters);
  if (choice.nics !== undefined && choice.nics > chosen.length) throw tooFew(choice.nics, chosen);
  return chosen.slice(0, choice.nics);
}

/** More is asked for than there is. */
const tooFew = (asked: number, chosen: readonly SelectedNic[]): CniError =>
  new CniError(
    ErrorCode.invalidConfig,
    `args.cni.nics: ${asked} are asked for and ${chosen.length} can be had (${namesOf(chosen)}); ask for at most ${chosen.length}`,
  );

function usableNics(nics: readonly Nic[], offer: Offer, needs: Needs): SelectedNic[] {
  const offered = offeredNics(nics, offer);
  const key = offerKey(offer);
  if (key === "masters" || key === "node file: masters") {
    // NICs that somebody named must work: to leave one out would be to attach less than was written.
    for (const { nic } of offered) requireUsable(nic, key, needs);
    return offered;
  }
  const usable = offered.filter(
    ({ nic }) => nic.up && nic.carrier && (key === "masterNets" || nic.addresses.length > 0),
  );
  if (usable.length === 0) throw nothingOffered(nics, offer);
  return usable;
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

/** No NIC of the host is what the network asks for. */
export function nothingOffered(nics: readonly Nic[], { masterNets }: Offer): CniError {
  return new CniError(
    ErrorCode.invalidConfig,
    masterNets.length > 0
      ? `masterNets: no NIC of this host that is up has an address in ${masterNets.map(formatCidr).join(", ")}; its NICs: ${describe(nics)}`
      : `masters: this host has no secondary NIC that is physical, up and has an address; name masters or masterNets, or set one up: ${describe(nics)}`,
  );
}

/** Those of the offered that the pod names; all where it names none. Throws CniError for one that is not offered. */
export function chosenByName<N extends Nic>(
  offered: readonly SelectedNic<N>[],
  masters: readonly string[],
): readonly SelectedNic<N>[] {
  if (masters.length === 0) return offered;
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

const namesOf = (selected: readonly SelectedNic[]): string => selected.map(({ nic }) => nic.name).join(", ");
