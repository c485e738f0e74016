import type { Cluster } from "../../lib/cluster/cluster.ts";
import { type Cidr, formatCidr, networkOf, overlaps } from "../../lib/net/address.ts";
import { decodeLink, dumpLinks } from "../../lib/netlink/message/link.ts";
import type { Netlink } from "../../lib/netlink/socket.ts";
import { dump, readAddresses } from "../../lib/nic/discover.ts";

/** A link of the host and the addresses that it has, with their prefix lengths. */
export interface OwnLink {
  readonly name: string;
  readonly addresses: readonly Cidr[];
}

/** The links of a namespace that have addresses, of whatever kind they are; pods' links are in the pods'. Throws NetlinkError. */
export async function ownLinks(netlink: Netlink): Promise<OwnLink[]> {
  const addresses = await readAddresses(netlink);
  const links = (await dump(netlink, dumpLinks())).map(decodeLink);
  return links.flatMap(({ name, index }) => {
    const has = addresses.get(index);
    return has === undefined ? [] : [{ name, addresses: has }];
  });
}

/** The subnets that are this host's own by one of its links: what it sends there would go the pods' way. A line each. */
export function overlappingLinks({ networks }: Cluster, links: readonly OwnLink[]): string[] {
  const own = links.flatMap(({ name, addresses }) => addresses.map((address) => ({ name, address })));
  return networks.flatMap((network) =>
    network.pool.subnets.flatMap((subnet) =>
      own
        .filter(({ address }) => overlaps(subnet, address))
        .map(
          ({ name, address }) =>
            `network ${network.name}: ${formatCidr(subnet)} overlaps ${formatCidr(networkOf(address))}, which this host's link ${name} is on (${formatCidr(address)}); take another subnet, or take the address from the link`,
        ),
    ),
  );
}
