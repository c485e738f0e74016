import type { LocalNic } from "../../lib/cluster/host-plan.ts";
import { formatAddress } from "../../lib/net/address.ts";
import { NetlinkError } from "../../lib/netlink/error.ts";
import { decodeLink, getLinkByIndex } from "../../lib/netlink/message/link.ts";
import type { Netlink } from "../../lib/netlink/socket.ts";
import { readAddresses } from "../../lib/nic/discover.ts";

/** The links of the host that have one of these addresses, whatever kind they are of. */
export async function localNics(netlink: Netlink, addresses: ReadonlySet<string>): Promise<LocalNic[]> {
  const all = await readAddresses(netlink);
  const found = [...all].filter(([, cidrs]) =>
    cidrs.some(({ address }) => addresses.has(formatAddress(address))),
  );
  const named = found.map(async ([index, cidrs]) => {
    const name = await nameOf(netlink, index);
    return name === undefined ? [] : [{ name, index, addresses: cidrs }];
  });
  return (await Promise.all(named)).flat();
}

/** undefined where the link has gone since. */
async function nameOf(netlink: Netlink, index: number): Promise<string | undefined> {
  try {
    const [[message] = []] = await netlink.request([getLinkByIndex(index)]);
    return message === undefined ? undefined : decodeLink(message).name;
  } catch (error) {
    if (error instanceof NetlinkError && error.code === "ENODEV") return undefined;
    throw error;
  }
}
