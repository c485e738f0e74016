import type { Invocation } from "../../lib/cni/invocation.ts";
import type { NodeFile } from "../../lib/ipam/node-file.ts";
import type { Store } from "../../lib/ipam/store.ts";
import type { Netns } from "../../lib/linux/netns.ts";
import { type HostView, readNics, readNicsByName, readNicsOnNets } from "../../lib/nic/discover.ts";
import type { Nic } from "../../lib/nic/nic.ts";
import type { Offer, SelectedNic } from "../../lib/nic/offer.ts";
import { selectNics } from "../../lib/nic/select.ts";
import type { MultiNicConf } from "./conf.ts";
import type { DeviceNic } from "./device/device.ts";

/** The masters of an attachment, as the network, the node, the pod's cni-args and a policy choose them. */
export async function chooseNics(
  conf: MultiNicConf,
  nodeFile: NodeFile | undefined,
  host: Netns,
  { invocation, store }: { readonly invocation: Invocation; readonly store: Store },
): Promise<SelectedNic<Nic | DeviceNic>[]> {
  const offer = offerOf(conf, nodeFile);
  const view = { netlink: host.netlink, sys: "/sys" };
  const needs = { addressFor: addressFor(conf) };
  const { policy, choice } = conf;
  const byPolicy =
    policy &&
    (async () => {
      const { chooseByPolicy } = await import("./policy.ts");
      const load = store.read((tx) => tx.load());
      return chooseByPolicy({ ...needs, policy, offer, choice, view, invocation, load });
    });
  if (conf.devices !== undefined) {
    const { chooseDevices } = await import("./device/choose.ts");
    return chooseDevices({ conf, offer, view, invocation, store, byPolicy });
  }
  if (byPolicy !== undefined) return byPolicy();
  const few = await offeredAlone(view, offer, needs.addressFor !== undefined);
  try {
    return selectNics(few, offer, conf.choice, needs);
  } catch {
    // What is wrong is said with a look at all the others, which the message lists.
  }
  return selectNics(await readNics(view), offer, conf.choice, needs);
}

export const offerOf = (conf: MultiNicConf, nodeFile: NodeFile | undefined): Offer => ({
  masters: conf.masters,
  masterNets: conf.masterNets,
  nodeMasters: nodeFile?.masters,
});

/** The NICs that the offer may be of, by what it says of them. */
async function offeredAlone(
  view: HostView,
  { masters, masterNets, nodeMasters }: Offer,
  addresses: boolean,
): Promise<Nic[]> {
  if (masters.length > 0) return readNicsByName(view, masters, { addresses });
  if (masterNets.length > 0) return readNicsOnNets(view, masterNets);
  if (nodeMasters === undefined) return readNics(view, { withDevice: true });
  return readNicsByName(
    view,
    nodeMasters.map(({ name }) => name),
    { addresses },
  );
}

/** In L3 modes the host routes to and from the pod, and the other hosts know the pod by an address of the master. */
export function addressFor({ link: { kind } }: MultiNicConf): string | undefined {
  return kind.kind === "ipvlan" && kind.mode !== "l2" ? `plugin.mode ${kind.mode}` : undefined;
}
