import type { AttachmentKey } from "../../../lib/ipam/record.ts";
import type { Netns } from "../../../lib/linux/netns.ts";
import { deleteAltNames } from "../../../lib/netlink/message/alt-names.ts";
import { decodeLink, dumpLinks, type Link } from "../../../lib/netlink/message/link.ts";
import { dump } from "../../../lib/nic/discover.ts";
import { isLentGroup } from "./device.ts";
import { moveAsCan, namesTaken } from "./move.ts";

/**
 * Moves an attachment's devices home though nothing is recorded of them, or nothing that can be read now: under their
 * names, by their alias, down. They keep their group, by which a DEL that has the record finds that there is more to do.
 */
export async function giveBackByAlias(key: AttachmentKey, host: Netns, pod: Netns): Promise<void> {
  const links = (await dump(pod.netlink, dumpLinks())).map(decodeLink);
  for (const link of links.filter(({ group }) => isLentGroup(key, group))) {
    const home = homeName(link);
    const taken = await namesTaken(link.altNames, host);
    if (taken.length > 0) await pod.netlink.request([deleteAltNames(link.index, taken)]);
    const label = `move ${link.name} home as ${home}`;
    await moveAsCan(pod.netlink, { index: link.index, label, netnsFd: host.fd }, [{ name: home }]);
  }
}

/** The alias is what ADD wrote, or the pod since: what no link can be called (dev_valid_name) does not count. */
const homeName = ({ name, alias = "" }: Link): string =>
  /^(?!\.{1,2}$)[^/\s%:]{1,15}$/.test(alias) ? alias : name;
