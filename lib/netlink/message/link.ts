import { macBytes, macFromBytes } from "../../net/mac.ts";
import {
  type Attribute,
  bareText,
  decodeAttributes,
  encodeBody,
  headerView,
  listAttributes,
  nest,
  optional,
  present,
  type Request,
  readI32,
  readText,
  readU8,
  readU32,
  text,
  u32,
  viewOf,
} from "../codec.ts";
import * as k from "../constants.ts";
import { decodeKind, encodeKind, type LinkKind, type NewLinkKind } from "../kind/kinds.ts";

/** A link as the kernel describes it. */
export interface Link {
  readonly index: number;
  readonly name: string;
  /** IFF_* of net/if.h */
  readonly flags: number;
  /** ARPHRD_* of if_arp.h: 1 Ethernet, 32 InfiniBand, 772 loopback */
  readonly type: number;
  readonly mtu: number;
  /** The MTUs the driver takes; max is 0 where it has no limit. */
  readonly minMtu: number;
  readonly maxMtu: number;
  readonly group: number;
  readonly operstate: Operstate;
  readonly carrier: boolean;
  /** Link-layer address, "02:00:00:00:00:01"; longer for InfiniBand; absent for links that have none. */
  readonly mac?: string;
  /** The address burnt in; absent for virtual links. */
  readonly permanentMac?: string;
  /** ifindex of what it is made on (IFLA_LINK), in the namespace of linkNetnsid, or in this one. */
  readonly link?: number;
  readonly linkNetnsid?: number;
  /** ifindex of the bridge, bond or vrf it is a port of */
  readonly master?: number;
  readonly altNames: readonly string[];
  /** What somebody wrote about it (`ip link set … alias`) */
  readonly alias?: string;
  /** Name of the device on its bus, "0000:3b:00.1" */
  readonly parentDevice?: string;
  /** Of a port of a switch (switchdev): the switch, in hex, and what the port is in it: "p0", "pf0", "pf0vf1" */
  readonly switchId?: string;
  readonly portName?: string;
  /** Absent for physical links and loopback. */
  readonly kind?: LinkKind;
}

// IF_OPER_* of if.h, RFC 2863
const operstates = ["unknown", "notpresent", "down", "lowerlayerdown", "testing", "dormant", "up"] as const;
export type Operstate = (typeof operstates)[number];

export interface NewLink {
  readonly name: string;
  readonly kind: NewLinkKind;
  /** ifindex of the link it is made on, in the namespace of the socket */
  readonly link: number;
  /** That link's name, for errors. */
  readonly master?: string;
  /** Descriptor of the namespace it is made in */
  readonly netnsFd: number;
  readonly mtu?: number;
  /** ipvlan and passthru macvlan have their master's, whatever is asked for. */
  readonly mac?: string;
  /** 1 to 2147483647, the attachment's own; 0 is that of all who were given none. */
  readonly group: number;
}

/** A new link, at once in its namespace and under its final name. EEXIST where the name is taken there. */
export function newLink(link: NewLink): Request {
  const { mtu, mac } = link;
  return {
    type: k.RTM_NEWLINK,
    flags: k.NLM_F_REQUEST | k.NLM_F_ACK | k.NLM_F_CREATE | k.NLM_F_EXCL,
    label: `create ${link.kind.kind} ${link.name} on ${link.master ?? `link ${link.link}`}`,
    body: encodeBody(ifinfomsg(0), [
      ...(mac === undefined ? [] : [{ type: k.IFLA_ADDRESS, value: macBytes(mac) }]),
      ...(mtu === undefined ? [] : [u32(k.IFLA_MTU, mtu)]),
      u32(k.IFLA_GROUP, link.group),
      u32(k.IFLA_NET_NS_FD, link.netnsFd),
      u32(k.IFLA_LINK, link.link),
      text(k.IFLA_IFNAME, link.name),
      nest(k.IFLA_LINKINFO, encodeKind(link.kind)),
    ]),
  };
}

/** Brings a link up. `ifname` is for errors. */
export function setLinkUp(index: number, ifname?: string): Request {
  return setLink({ index, up: true, label: `bring ${ifname ?? `link ${index}`} up` });
}

export interface LinkChange {
  readonly index: number;
  readonly label: string;
  readonly up?: boolean;
  readonly name?: string;
  readonly mtu?: number;
  readonly mac?: string;
  readonly group?: number;
  /** "": none */
  readonly alias?: string;
  /** Descriptor of the namespace it moves to. */
  readonly netnsFd?: number;
  /** The ifindex it has there: EBUSY where another has it. Kernels before 5.13 choose one. */
  readonly newIndex?: number;
}

/** Changes what is named, of a link that is there. The kernel changes name and group in the namespace it moves to. */
export function setLink(change: LinkChange): Request {
  const { name, mtu, mac, group, alias, netnsFd, newIndex } = change;
  const attributes: Attribute[] = [];
  if (mac !== undefined) attributes.push({ type: k.IFLA_ADDRESS, value: macBytes(mac) });
  if (mtu !== undefined) attributes.push(u32(k.IFLA_MTU, mtu));
  if (group !== undefined) attributes.push(u32(k.IFLA_GROUP, group));
  if (netnsFd !== undefined) attributes.push(u32(k.IFLA_NET_NS_FD, netnsFd));
  if (newIndex !== undefined) attributes.push(u32(k.IFLA_NEW_IFINDEX, newIndex));
  if (name !== undefined) attributes.push(text(k.IFLA_IFNAME, name));
  if (alias !== undefined) attributes.push(bareText(k.IFLA_IFALIAS, alias));
  return {
    type: k.RTM_NEWLINK,
    flags: k.NLM_F_REQUEST | k.NLM_F_ACK,
    label: change.label,
    body: encodeBody(ifinfomsg(change.index, change.up), attributes),
  };
}

/** Deletes one link. ENODEV where there is none. */
export function deleteLink(index: number, ifname?: string): Request {
  return {
    type: k.RTM_DELLINK,
    flags: k.NLM_F_REQUEST | k.NLM_F_ACK,
    label: `delete ${ifname ?? `link ${index}`}`,
    body: ifinfomsg(index),
  };
}

/** net_device.group is an int; iproute2 shows what is beyond as negative. */
const mostGroup = 0x7fffffff;

/**
 * Deletes every link of a group at once, which costs what deleting one does (rtnl_group_dellink). ENODEV where
 * there is none. Group 0 is that of all links that were given none: RangeError.
 */
export function deleteGroup(group: number): Request {
  if (!Number.isInteger(group) || group < 1 || group > mostGroup)
    throw new RangeError(`link group ${group} cannot be deleted: it is not in 1..${mostGroup}`);
  return {
    type: k.RTM_DELLINK,
    flags: k.NLM_F_REQUEST | k.NLM_F_ACK,
    label: `delete the links of group ${group}`,
    body: encodeBody(ifinfomsg(0), [u32(k.IFLA_GROUP, group)]),
  };
}

// What counts the packets is two thirds of a link's description, and of no use here.
const skipStats = u32(k.IFLA_EXT_MASK, k.RTEXT_FILTER_SKIP_STATS);

/** One link by name. ENODEV where there is none. */
export function getLinkByName(name: string): Request {
  return {
    type: k.RTM_GETLINK,
    flags: k.NLM_F_REQUEST | k.NLM_F_ACK,
    label: `look up ${name}`,
    body: encodeBody(ifinfomsg(0), [text(k.IFLA_IFNAME, name), skipStats]),
  };
}

/** One link by ifindex. ENODEV where there is none. */
export function getLinkByIndex(index: number): Request {
  return {
    type: k.RTM_GETLINK,
    flags: k.NLM_F_REQUEST | k.NLM_F_ACK,
    label: `look up link ${index}`,
    body: encodeBody(ifinfomsg(index), [skipStats]),
  };
}

/** All links of the namespace. */
export function dumpLinks(): Request {
  return {
    type: k.RTM_GETLINK,
    flags: k.NLM_F_REQUEST | k.NLM_F_DUMP,
    label: "list the links",
    body: encodeBody(ifinfomsg(0), [skipStats]),
  };
}

// struct ifinfomsg: family, pad, type u16, index i32, flags u32, change u32
const ifinfomsgLength = 16;

function ifinfomsg(index: number, up?: boolean): Uint8Array {
  const bytes = new Uint8Array(ifinfomsgLength);
  const view = viewOf(bytes);
  view.setInt32(4, index, true);
  if (up !== undefined) {
    view.setUint32(8, up ? k.IFF_UP : 0, true);
    view.setUint32(12, k.IFF_UP, true);
  }
  return bytes;
}

/** A link of an RTM_NEWLINK. Throws CodecError. */
export function decodeLink(message: { readonly body: Uint8Array }): Link {
  const view = headerView(message.body, ifinfomsgLength, "ifinfomsg");
  const attributes = decodeAttributes(message.body, ifinfomsgLength);
  const read = <T>(type: number, reader: (value: Uint8Array) => T) => optional(attributes, type, reader);
  return {
    index: view.getInt32(4, true),
    name: read(k.IFLA_IFNAME, readText) ?? "",
    flags: view.getUint32(8, true),
    type: view.getUint16(2, true),
    mtu: read(k.IFLA_MTU, readU32) ?? 0,
    minMtu: read(k.IFLA_MIN_MTU, readU32) ?? 0,
    maxMtu: read(k.IFLA_MAX_MTU, readU32) ?? 0,
    group: read(k.IFLA_GROUP, readU32) ?? 0,
    operstate: operstates[read(k.IFLA_OPERSTATE, readU8) ?? 0] ?? "unknown",
    carrier: read(k.IFLA_CARRIER, readU8) === 1,
    altNames: read(k.IFLA_PROP_LIST, readAltNames) ?? [],
    ...present({
      mac: read(k.IFLA_ADDRESS, macFromBytes),
      permanentMac: read(k.IFLA_PERM_ADDRESS, macFromBytes),
      link: read(k.IFLA_LINK, readU32),
      linkNetnsid: read(k.IFLA_LINK_NETNSID, readI32),
      master: read(k.IFLA_MASTER, readU32),
      alias: read(k.IFLA_IFALIAS, readText),
      parentDevice: read(k.IFLA_PARENT_DEV_NAME, readText),
      switchId: read(k.IFLA_PHYS_SWITCH_ID, (value) => Buffer.from(value).toString("hex")),
      portName: read(k.IFLA_PHYS_PORT_NAME, readText),
      kind: read(k.IFLA_LINKINFO, (value) => decodeKind(decodeAttributes(value))),
    }),
  };
}

function readAltNames(value: Uint8Array): string[] {
  return listAttributes(value)
    .filter(({ type }) => type === k.IFLA_ALT_IFNAME)
    .map((attribute) => readText(attribute.value));
}
