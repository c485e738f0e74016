import { CniError, ErrorCode } from "../../../lib/cni/error.ts";
import { type Link, setLink, setLinkUp } from "../../../lib/netlink/message/link.ts";
import type { Netlink } from "../../../lib/netlink/socket.ts";
import { findLink } from "../../../lib/nic/discover.ts";

/**
 * Gives a link that is down the MAC address. A virtual function's driver may refuse that, and take the address that its
 * physical one keeps when it is reset, which is when it goes down (igbvf).
 * @throws the kernel's refusal, where neither helps
 */
export async function giveAddress(netlink: Netlink, ifname: string, mac: string): Promise<void> {
  const link = await requireLink(netlink, ifname);
  if (link.mac === mac) return;
  try {
    await netlink.request([setLink({ index: link.index, label: `give ${ifname} the address ${mac}`, mac })]);
  } catch (error) {
    const down = setLink({ index: link.index, label: `take ${ifname} down`, up: false });
    await netlink.request([setLinkUp(link.index, ifname), down]);
    if ((await requireLink(netlink, ifname)).mac !== mac) throw error;
  }
}

async function requireLink(netlink: Netlink, ifname: string): Promise<Link> {
  const link = await findLink(netlink, ifname);
  if (link !== undefined) return link;
  throw new CniError(ErrorCode.kernel, `${ifname}: was moved and is gone; something else moves links here`);
}
