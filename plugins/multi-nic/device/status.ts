import { CniError, ErrorCode } from "../../../lib/cni/error.ts";
import type { Invocation } from "../../../lib/cni/invocation.ts";
import type { Store } from "../../../lib/ipam/store.ts";
import { findLink, type HostView, readNics } from "../../../lib/nic/discover.ts";
import {
  type Offer,
  offeredNics,
  offerKey,
  type SelectedNic,
  withNodeIndexes,
} from "../../../lib/nic/offer.ts";
import { nothingOffered } from "../../../lib/nic/select.ts";
import type { MultiNicConf } from "../conf.ts";
import { indexOf, requireBlocks } from "./choose.ts";
import { describeDevice } from "./describe.ts";
import type { DeviceNic } from "./device.ts";
import { holderOf, isAnyLent } from "./holder.ts";
import { seekDevice } from "./seek.ts";

interface StatusCall {
  readonly invocation: Invocation;
  readonly conf: MultiNicConf;
  readonly offer: Offer;
  readonly view: HostView;
  readonly store: Store;
}

/** What a network has to lend now. */
export interface Lendable {
  /** What an ADD would take, less what pods have: that is no fault of the node's. */
  readonly nics: readonly SelectedNic<DeviceNic>[];
  /** Where a device plugin says for each pod which it is: the interface indexes that those can have. */
  readonly indexes: readonly number[];
}

/** @throws CniError, as ADD does: what is named is not there, nor with a pod, or cannot be lent */
export async function findLendable(call: StatusCall): Promise<Lendable> {
  const { conf, offer } = call;
  if (conf.devices?.length) return { nics: await byName(call), indexes: [] };
  const key = offerKey(offer);
  if (key === "none") return { nics: [], indexes: [0] };
  const offered = key === "masterNets" ? await onNets(call) : await byMaster(call);
  if (conf.link.kind.kind === "sriov")
    return { nics: [], indexes: offered.map(({ interfaceIndex }) => interfaceIndex) };
  const nics: SelectedNic<DeviceNic>[] = [];
  for (const { nic, interfaceIndex } of offered) {
    const link = await findLink(call.view.netlink, nic.name);
    if (link === undefined) continue;
    nics.push({ nic: await describeDevice({ key, value: nic.name, link }, conf, call.view), interfaceIndex });
  }
  return { nics, indexes: [] };
}

async function byName(call: StatusCall): Promise<SelectedNic<DeviceNic>[]> {
  const { conf, offer, view, store } = call;
  await requireBlocks(call);
  const nics: SelectedNic<DeviceNic>[] = [];
  for (const [place, name] of (conf.devices ?? []).entries()) {
    try {
      const nic = await describeDevice(await seekDevice(name, view, store), conf, view);
      nics.push({ nic, interfaceIndex: indexOf(nic, place, offer) });
    } catch (error) {
      if (!isLentOut(error)) throw error;
    }
  }
  return nics;
}

const isLentOut = (error: unknown): boolean => error instanceof CniError && error.code === ErrorCode.exists;

/** Those that pods have are not among the host's links, and the others keep their places. */
async function byMaster({ offer, view, store }: StatusCall): Promise<SelectedNic[]> {
  const isHere = ({ name }: { readonly name: string }): boolean => holderOf(store, { name }) === undefined;
  const { masters, nodeMasters } = offer;
  const here = masters.map((name, interfaceIndex) => ({ name, interfaceIndex })).filter(isHere);
  const known = nodeMasters?.filter(isHere);
  const [offered, left] = masters.length > 0 ? [masters, here] : [nodeMasters, known];
  if (offered?.length && left?.length === 0) return [];
  const rest = { ...offer, masters: here.map(({ name }) => name), nodeMasters: known };
  const found = offeredNics(await readNics(view), rest).map(({ nic, interfaceIndex }) => ({
    nic,
    interfaceIndex: here.find(({ name }) => name === nic.name)?.interfaceIndex ?? interfaceIndex,
  }));
  return withNodeIndexes(found, nodeMasters);
}

/** A NIC that a pod has is on no network of the host's. */
async function onNets({ offer, view, store, invocation }: StatusCall): Promise<SelectedNic[]> {
  const nics = await readNics(view);
  const offered = offeredNics(nics, offer);
  if (offered.length === 0 && !isAnyLent(store, invocation.network)) throw nothingOffered(nics, offer);
  return withNodeIndexes(offered, offer.nodeMasters);
}
