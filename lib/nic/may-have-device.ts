import { findAttribute, readText } from "../netlink/codec.ts";
import { IFF_LOOPBACK, IFLA_INFO_KIND, IFLA_LINKINFO } from "../netlink/constants.ts";

/** Of struct ifinfomsg */
export const headerLength = 16;

/** Whether the body of a message is about loopback, or too short to be about a link. */
export const isLoopback = (body: Uint8Array): boolean =>
  // ifi_flags; IFF_LOOPBACK is in its lowest byte
  body.length < headerLength || ((body[8] ?? 0) & IFF_LOOPBACK) !== 0;

/** Kinds of links that no device is behind: on a node with many pods, nearly all of its links. */
const neverNics = new Set(
  "bridge dummy geneve gre gretap ifb ipip ipvlan ipvtap macvlan macvtap netkit openvswitch sit tun veth vrf vxlan wireguard".split(
    " ",
  ),
);

/** Whether a device may be behind the link that the body of a message is about, as far as the message tells. */
export const mayHaveDevice = (body: Uint8Array): boolean => !isLoopback(body) && !neverNics.has(kindOf(body));

function kindOf(body: Uint8Array): string {
  const info = findAttribute(body, IFLA_LINKINFO, headerLength);
  const kind = info && findAttribute(info, IFLA_INFO_KIND);
  return kind === undefined ? "" : readText(kind);
}
