import { macBytes } from "../../../lib/net/mac.ts";
import {
  type Attribute,
  bareText,
  encodeBody,
  type Message,
  nest,
  type Request,
  text,
  u32,
} from "../../../lib/netlink/codec.ts";
import * as k from "../../../lib/netlink/constants.ts";
import { NetlinkError } from "../../../lib/netlink/error.ts";
import type { Netlink } from "../../../lib/netlink/socket.ts";

/** What a fake kernel says to a request: bodies of replies ([] for a mere acknowledgement), or an errno. */
export type FakeAnswer = readonly Uint8Array[] | number;

/** A kernel that is a function. `requests` is all that was asked of it. */
export function fakeNetlink(
  answer: (request: Request) => FakeAnswer,
): Netlink & { readonly requests: Request[] } {
  const requests: Request[] = [];
  return {
    requests,
    request: async (batch) => {
      requests.push(...batch);
      const refusals: NetlinkError[] = [];
      const replies = batch.map((request, index) => {
        const said = answer(request);
        if (typeof said !== "number") return said.map((body) => reply(request, body));
        refusals.push(new NetlinkError(said, { request: request.label, index }));
        return [];
      });
      if (refusals[0] !== undefined) throw refusals[0];
      return replies;
    },
    close: () => {},
  };
}

// RTM_NEW* is the first of each four types (rtnetlink.h), and what an RTM_GET* is answered with.
function reply(request: Request, body: Uint8Array): Message {
  return { type: request.type & ~3, flags: 0, seq: 1, port: 1, body };
}

export interface FakeLink {
  readonly index: number;
  readonly name: string;
  /** IFF_*; up and running where absent */
  readonly flags?: number;
  readonly mtu?: number;
  readonly mac?: string;
  readonly group?: number;
  /** IFLA_INFO_KIND */
  readonly kind?: string;
  /** ifindex of what it is over (IFLA_LINK), and of what it is a port of (IFLA_MASTER) */
  readonly link?: number;
  readonly linkNetnsid?: number;
  readonly master?: number;
  /** IFLA_PHYS_SWITCH_ID, in hex, and IFLA_PHYS_PORT_NAME */
  readonly switchId?: string;
  readonly portName?: string;
  readonly alias?: string;
  /** IFLA_PARENT_DEV_NAME, and IFLA_PERM_ADDRESS */
  readonly parentDevice?: string;
  readonly permanentMac?: string;
}

/** A link as the kernel describes it, for decodeLink. */
export function linkBody(link: FakeLink): Uint8Array {
  const header = new DataView(new ArrayBuffer(16));
  header.setUint16(2, 1, true);
  header.setInt32(4, link.index, true);
  header.setUint32(8, link.flags ?? 0x1_1043, true);
  const attributes: Attribute[] = [text(k.IFLA_IFNAME, link.name), u32(k.IFLA_MTU, link.mtu ?? 1500)];
  attributes.push(u32(k.IFLA_GROUP, link.group ?? 0));
  if (link.mac !== undefined) attributes.push({ type: k.IFLA_ADDRESS, value: macBytes(link.mac) });
  const numbers = {
    [k.IFLA_LINK]: link.link,
    [k.IFLA_MASTER]: link.master,
    [k.IFLA_LINK_NETNSID]: link.linkNetnsid,
  };
  for (const [type, value] of Object.entries(numbers)) {
    if (value !== undefined) attributes.push(u32(Number(type), value));
  }
  if (link.kind !== undefined)
    attributes.push(nest(k.IFLA_LINKINFO, [bareText(k.IFLA_INFO_KIND, link.kind)]));
  if (link.switchId !== undefined)
    attributes.push({ type: k.IFLA_PHYS_SWITCH_ID, value: Buffer.from(link.switchId, "hex") });
  if (link.alias !== undefined) attributes.push(text(k.IFLA_IFALIAS, link.alias));
  if (link.parentDevice !== undefined) attributes.push(text(k.IFLA_PARENT_DEV_NAME, link.parentDevice));
  if (link.permanentMac !== undefined)
    attributes.push({ type: k.IFLA_PERM_ADDRESS, value: macBytes(link.permanentMac) });
  if (link.portName !== undefined) attributes.push(text(k.IFLA_PHYS_PORT_NAME, link.portName));
  return encodeBody(new Uint8Array(header.buffer), attributes);
}
