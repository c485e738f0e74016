import { CniError, ErrorCode } from "../../../lib/cni/error.ts";
import type { Invocation } from "../../../lib/cni/invocation.ts";
import type { Store } from "../../../lib/ipam/store.ts";
import { refusal } from "../../../lib/nic/describe.ts";
import { findLink, type HostView, readNics, readNicsByName } from "../../../lib/nic/discover.ts";
import {
  noNodeMaster,
  type Offer,
  offeredNics,
  offerKey,
  type SelectedNic,
  withNodeIndexes,
} from "../../../lib/nic/offer.ts";
import { rdmaOfDevice } from "../../../lib/nic/pci.ts";
import { chosenByName, nothingOffered } from "../../../lib/nic/select.ts";
import type { MultiNicConf } from "../conf.ts";
import { describeDevice, type Sought } from "./describe.ts";
import type { DeviceNic } from "./device.ts";
import { mostDevices } from "./device.ts";
import { holderOf, lentOut, reclaimDevices } from "./holder.ts";
import { seekDevice } from "./seek.ts";

export interface DeviceCall {
  readonly conf: MultiNicConf;
  readonly offer: Offer;
  readonly view: HostView;
  readonly invocation: Invocation;
  readonly store: Store;
  /** The NICs by a policy, where the network has one */
  readonly byPolicy: (() => Promise<SelectedNic[]>) | undefined;
}

/**
 * The devices that an attachment gets, as they are before.
 * @throws CniError naming the key, the value and the remedy: nothing has changed
 */
export async function chooseDevices(call: DeviceCall): Promise<SelectedNic<DeviceNic>[]> {
  const { conf, store, invocation } = call;
  await reclaimDevices(store, invocation);
  const { nics } = conf.choice;
  const found = conf.devices?.length ? await byName(call) : await byMaster(call);
  if (nics !== undefined && nics > found.length) {
    throw invalid(
      `args.cni.nics: ${nics} are asked for and ${found.length} devices can be had; ask for at most ${found.length}`,
    );
  }
  const chosen = found.slice(0, nics);
  if (chosen.length > mostDevices)
    throw invalid(`${chosen.length} devices are more than the ${mostDevices} one attachment can have`);
  return withRdma(chosen, call);
}

type Chosen = SelectedNic<DeviceNic>[];

/** With the RDMA devices that move along; those of several links of one device with the first. */
async function withRdma(chosen: Chosen, { view: { sys }, invocation }: DeviceCall): Promise<Chosen> {
  const folderOf = ({ nic: { device } }: Chosen[number]) => device.folder ?? "";
  const folders: string[] = [];
  for (const each of chosen) {
    const names = rdmaOfDevice(sys, folderOf(each));
    if (names !== undefined && names.length > 0) folders.push(folderOf(each));
    else if (names !== undefined)
      invocation.log.info("the RDMA devices of a NIC are in another namespace", { nic: each.nic.name });
  }
  if (folders.length === 0) return chosen;
  const moving = await (await import("./rdma.ts")).rdmaToMove(sys, folders);
  return chosen.map((each, place) => {
    const rdma = moving.get(folderOf(each));
    if (!rdma?.length || chosen.findIndex((other) => folderOf(other) === folderOf(each)) !== place)
      return each;
    return { ...each, nic: { ...each.nic, device: { ...each.nic.device, rdma } } };
  });
}

async function byName(call: DeviceCall): Promise<SelectedNic<DeviceNic>[]> {
  const { conf, view, store, offer } = call;
  if (conf.choice.masters.length > 0) {
    throw invalid(
      `args.cni.masters: ${conf.choice.masters.join(", ")} are named beside ${conf.devices?.[0]?.key}, which says already which devices; leave them out`,
    );
  }
  await requireBlocks(call);
  const found: DeviceNic[] = [];
  for (const name of conf.devices ?? []) {
    const sought = await seekDevice(name, view, store);
    found.push(await describeDevice(sought, conf, view));
  }
  return found.map((nic, place) => ({ nic, interfaceIndex: indexOf(nic, place, offer) }));
}

/** Where the node file says that no NIC is the network's, the blocks of those that are named would be guessed. */
export async function requireBlocks({ conf, offer, view }: Pick<DeviceCall, "conf" | "offer" | "view">) {
  if (conf.ipam.mode === "own" && offer.masters.length === 0 && offer.nodeMasters?.length === 0)
    throw noNodeMaster(await readNics(view));
}

/** The block of a virtual function is that of its physical one, where the network or the node names that. */
export function indexOf({ name, device }: DeviceNic, place: number, { masters, nodeMasters }: Offer): number {
  const names = [device.vf?.pf, name];
  const known = nodeMasters?.find((master) => names.includes(master.name));
  if (known !== undefined) return known.interfaceIndex;
  const offered = masters.findIndex((master) => names.includes(master));
  return offered === -1 ? place : offered;
}

async function byMaster(call: DeviceCall): Promise<SelectedNic<DeviceNic>[]> {
  const { conf, view, offer } = call;
  if (conf.link.kind.kind === "sriov") {
    throw invalid(
      'deviceIDs: are missing; sriov gets its virtual functions from a device plugin (k8s.v1.cni.cncf.io/resourceName on the network), or name them, like ["0000:3b:00.1"]',
    );
  }
  const offered = call.byPolicy === undefined ? await offeredHere(call) : await call.byPolicy();
  const chosen = chosenByName(withNodeIndexes(offered, offer.nodeMasters), conf.choice.masters);
  const found: SelectedNic<DeviceNic>[] = [];
  for (const { nic, interfaceIndex } of chosen.slice(0, conf.choice.nics)) {
    const link = await findLink(view.netlink, nic.name);
    if (link === undefined) throw refusal(offerKey(offer), nic.name, "has gone meanwhile; try again");
    const sought: Sought = { key: offerKey(offer), value: nic.name, link };
    found.push({ nic: await describeDevice(sought, conf, view), interfaceIndex });
  }
  return found;
}

/** NICs need not be up, nor have addresses, to be lent. */
async function offeredHere({ offer, view, store }: DeviceCall): Promise<SelectedNic[]> {
  const key = offerKey(offer);
  if (key === "none") {
    throw invalid(
      "masters: are missing; host-device takes NICs away from the host, so name them, or one by plugin.device, hwaddr, kernelpath or pciBusID, or let a device plugin give deviceIDs",
    );
  }
  if (key === "masterNets") {
    const nics = await readNics(view);
    const offered = offeredNics(nics, offer);
    if (offered.length === 0) throw nothingOffered(nics, offer);
    return offered;
  }
  const names = key === "masters" ? offer.masters : (offer.nodeMasters ?? []).map(({ name }) => name);
  const nics = await readNicsByName(view, names, { addresses: false });
  for (const name of names.filter((each) => !nics.some((nic) => nic.name === each))) {
    const holder = holderOf(store, { name });
    if (holder !== undefined) throw lentOut(`${key}: ${holder}`);
  }
  return offeredNics(nics.length === names.length && nics.length > 0 ? nics : await readNics(view), offer);
}

const invalid = (message: string): CniError => new CniError(ErrorCode.invalidConfig, message);
