import { NetlinkError } from "../../../lib/netlink/error.ts";
import { decodeLink, getLinkByName, type Link } from "../../../lib/netlink/message/link.ts";
import type { Netlink } from "../../../lib/netlink/socket.ts";

/** The link of that name, of at most 15 characters; undefined where there is none. */
export async function findLink(netlink: Netlink, name: string): Promise<Link | undefined> {
  try {
    const [[message] = []] = await netlink.request([getLinkByName(name)]);
    return message && decodeLink(message);
  } catch (error) {
    if (error instanceof NetlinkError && error.code === "ENODEV") return undefined;
    throw error;
  }
}
