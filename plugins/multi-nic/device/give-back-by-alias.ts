import type { AttachmentKey } from "../../../lib/ipam/record.ts";
import type { Netns } from "../../../lib/linux/netns.ts";
import { decodeLink, dumpLinks, setLink } from "../../../lib/netlink/message/link.ts";
import { dump } from "../../../lib/nic/discover.ts";
import { isLentGroup } from "./device.ts";

/**
 * Moves an attachment's devices home though nothing is recorded of them, or nothing that can be read now: under their
 * names, by their alias, down. They keep their group, by which a DEL that has the record finds that there is more to do.
 */
export async function giveBackByAlias(key: AttachmentKey, host: Netns, pod: Netns): Promise<void> {
  const links = (await dump(pod.netlink, dumpLinks())).map(decodeLink);
  for (const { index, name, alias = "" } of links.filter(({ group }) => isLentGroup(key, group))) {
    const home = /^[^/\s%:]{1,15}$/.test(alias) ? alias : name;
    const label = `move ${name} home as ${home}`;
    await pod.netlink.request([setLink({ index, label, netnsFd: host.fd, name: home })]);
  }
}
