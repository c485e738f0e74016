import type { Netns } from "../../../lib/linux/netns.ts";
import { NetlinkError } from "../../../lib/netlink/error.ts";
import { decodeLink, dumpLinks, type LinkChange, setLink } from "../../../lib/netlink/message/link.ts";
import type { Netlink } from "../../../lib/netlink/socket.ts";
import { dump } from "../../../lib/nic/discover.ts";

/** Moves a link to another namespace, under the first name and ifindex that are free there, or else as "dev0" or so. */
export async function moveAsCan(
  netlink: Netlink,
  change: LinkChange,
  ways: readonly Pick<LinkChange, "name" | "newIndex">[],
): Promise<void> {
  for (const [place, way] of [...ways, { name: "dev%d" }].entries()) {
    try {
      await netlink.request([setLink({ ...change, ...way })]);
      return;
    } catch (error) {
      if (!(error instanceof NetlinkError)) throw error;
      // The kernel moves first and names then: after a refused name it may be there already.
      if (error.code === "ENODEV" && place > 0) return;
      if (!["EBUSY", "EEXIST"].includes(error.code) || place === ways.length) throw error;
    }
  }
}

/** Those of some further names that links of a namespace have: with them no other link can come there. */
export async function namesTaken(names: readonly string[], { netlink }: Netns): Promise<string[]> {
  if (names.length === 0) return [];
  const links = (await dump(netlink, dumpLinks())).map(decodeLink);
  const taken = new Set(links.flatMap((link) => [link.name, ...link.altNames]));
  return names.filter((name) => taken.has(name));
}
