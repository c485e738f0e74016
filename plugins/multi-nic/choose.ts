import type { Invocation } from "../../lib/cni/invocation.ts";
import type { NodeFile } from "../../lib/ipam/node-file.ts";
import type { Store } from "../../lib/ipam/store.ts";
import type { Netns } from "../../lib/linux/netns.ts";
import { readNics, readNicsByName } from "../../lib/nic/discover.ts";
import type { SelectedNic } from "../../lib/nic/offer.ts";
import { selectNics } from "../../lib/nic/select.ts";
import type { MultiNicConf } from "./conf.ts";

/** The masters of an attachment, as the network, the node, the pod's cni-args and a policy choose them. */
export async function chooseNics(
  conf: MultiNicConf,
  nodeFile: NodeFile | undefined,
  host: Netns,
  { invocation, store }: { readonly invocation: Invocation; readonly store: Store },
): Promise<SelectedNic[]> {
  const offer = {
    masters: conf.masters,
    masterNets: conf.masterNets,
    nodeMasters: nodeFile?.masters ?? [],
  };
  const view = { netlink: host.netlink, sys: "/sys" };
  const needs = { addressFor: addressFor(conf) };
  if (conf.policy !== undefined) {
    const { chooseByPolicy } = await import("./policy.ts");
    const { policy, choice } = conf;
    const load = store.read((tx) => tx.load());
    return chooseByPolicy({ ...needs, policy, offer, choice, view, invocation, load });
  }
  const names = namesOf(offer);
  const named =
    names === undefined
      ? undefined
      : await readNicsByName(view, names, { addresses: needs.addressFor !== undefined });
  // A name that is not there is worth a look at all the others: the message lists them.
  const nics = named !== undefined && named.length === names?.length ? named : await readNics(view);
  return selectNics(nics, offer, conf.choice, needs);
}

/** Where the links are chosen by name alone; undefined where all links have to be looked at. */
function namesOf(offer: {
  masters: readonly string[];
  masterNets: readonly unknown[];
  nodeMasters: readonly { name: string }[];
}): readonly string[] | undefined {
  if (offer.masters.length > 0) return offer.masters;
  if (offer.masterNets.length > 0 || offer.nodeMasters.length === 0) return undefined;
  return offer.nodeMasters.map(({ name }) => name);
}

/** In L3 modes the host routes to and from the pod, and the other hosts know the pod by an address of the master. */
export function addressFor({ link: { kind } }: MultiNicConf): string | undefined {
  return kind.kind === "ipvlan" && kind.mode !== "l2" ? `plugin.mode ${kind.mode}` : undefined;
}
