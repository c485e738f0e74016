import type { AttachmentKey } from "../../../lib/ipam/record.ts";
import type { Netns } from "../../../lib/linux/netns.ts";
import { kindName } from "../../../lib/netlink/kind/kinds.ts";
import { deleteAltNames } from "../../../lib/netlink/message/alt-names.ts";
import { decodeLink, dumpLinks, type Link } from "../../../lib/netlink/message/link.ts";
import { dump } from "../../../lib/nic/discover.ts";
import { isLentGroup } from "./device.ts";
import { moveAsCan, namesTaken } from "./move.ts";

/**
 * Moves an attachment's devices home though nothing is recorded of them, or nothing that can be read now: under their
 * names, by their alias, down. They keep their group, by which a DEL that has the record finds that there is more to do.
 * A pod may have put links of its own into their groups, with any alias: so they have to be such as no pod can make,
 * but where `virtual` says that the record may be of others.
 */
export async function giveBackByAlias(
  key: AttachmentKey,
  host: Netns,
  pod: Netns,
  { virtual }: { readonly virtual: boolean },
): Promise<void> {
  const links = (await dump(pod.netlink, dumpLinks())).map(decodeLink);
  const lent = links.filter(
    (link) => isLentGroup(key, link.group) && (isPhysical(link) || isVirtual(link, virtual)),
  );
  for (const link of lent) {
    const home = homeName(link);
    const taken = await namesTaken(link.altNames, host);
    if (taken.length > 0) await pod.netlink.request([deleteAltNames(link.index, taken)]);
    const label = `move ${link.name} home as ${home}`;
    await moveAsCan(pod.netlink, { index: link.index, label, netnsFd: host.fd }, [{ name: home }]);
  }
}

/**
 * A NIC, and no link that RTM_NEWLINK makes, on one or by itself: those that the kernel itself brings home when the
 * namespace ends (default_device_exit_net). Kernels before 5.14 do not tell what stands behind a link.
 */
const isPhysical = ({ kind, link, parentDevice, permanentMac }: Link): boolean =>
  [undefined, "ipoib"].includes(kindName(kind)) &&
  link === undefined &&
  (parentDevice ?? permanentMac) !== undefined;

const isVirtual = ({ kind }: Link, virtual: boolean): boolean => virtual && kind !== undefined;

/** The alias is what ADD wrote, or the pod since: what no link can be called (dev_valid_name) does not count. */
const homeName = ({ name, alias = "" }: Link): string =>
  /^(?!\.{1,2}$)[^/\s%:]{1,15}$/.test(alias) ? alias : name;
