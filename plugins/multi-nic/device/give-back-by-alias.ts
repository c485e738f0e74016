import type { AttachmentKey } from "../../../lib/ipam/record.ts";
import type { Netns } from "../../../lib/linux/netns.ts";
import { deleteAltNames } from "../../../lib/netlink/message/alt-names.ts";
import { decodeLink, dumpLinks, type Link } from "../../../lib/netlink/message/link.ts";
import { dump } from "../../../lib/nic/discover.ts";
import { isLentGroup } from "./device.ts";
import { moveAsCan } from "./move.ts";

/**
 * Moves an attachment's devices home though nothing is recorded of them, or nothing that can be read now: under their
 * names, by their alias, down. They keep their group, by which a DEL that has the record finds that there is more to do.
 */
export async function giveBackByAlias(key: AttachmentKey, host: Netns, pod: Netns): Promise<void> {
  const links = (await dump(pod.netlink, dumpLinks())).map(decodeLink);
  for (const link of links.filter(({ group }) => isLentGroup(key, group))) {
    const home = homeName(link);
    const taken = await namesTaken(link, host);
    if (taken.length > 0) await pod.netlink.request([deleteAltNames(link.index, taken)]);
    const label = `move ${link.name} home as ${home}`;
    await moveAsCan(pod.netlink, { index: link.index, label, netnsFd: host.fd }, [{ name: home }]);
  }
}

/** The alias is what ADD wrote, or the pod since: what no link can be called (dev_valid_name) does not count. */
const homeName = ({ name, alias = "" }: Link): string =>
  /^(?!\.{1,2}$)[^/\s%:]{1,15}$/.test(alias) ? alias : name;

/** Those of its further names that links of the host have, and that it cannot go home with. */
async function namesTaken({ altNames }: Link, host: Netns): Promise<string[]> {
  if (altNames.length === 0) return [];
  const links = (await dump(host.netlink, dumpLinks())).map(decodeLink);
  const names = new Set(links.flatMap((link) => [link.name, ...link.altNames]));
  return altNames.filter((name) => names.has(name));
}
