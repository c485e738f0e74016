import { addressBytes, type Cidr, formatAddress, formatCidr, type IpAddress } from "../../net/address.ts";
import {
  type Attribute,
  decodeAttributes,
  encodeBody,
  headerView,
  nest,
  optional,
  present,
  type Request,
  readU32,
  u32,
  viewOf,
} from "../codec.ts";
import * as k from "../constants.ts";
import { checkedPrefix, familyNumber, familyOf, readAddress } from "./address.ts";
import { decodeNextHops, encodeNextHops, type NextHop, readGateway } from "./next-hop.ts";

/** A unicast route, to make, delete, or as read. */
export interface Route {
  readonly dst: Cidr;
  readonly table: number;
  /** RTPROT_*: who made it; 3 boot, 4 static */
  readonly protocol: number;
  /** ifindex it leaves by; absent with multipath */
  readonly oif?: number;
  readonly gateway?: IpAddress;
  /** Source address for those who did not bind to one */
  readonly src?: IpAddress;
  /** RT_SCOPE_*. When making an IPv4 route: link without a gateway, else universe. */
  readonly scope?: number;
  /** Metric; lower ones win. */
  readonly priority?: number;
  readonly mtu?: number;
  readonly advmss?: number;
  /** As read: it has more RTAX_* than these */
  readonly otherMetrics?: true;
  readonly multipath?: readonly NextHop[];
  /** The gateway is taken for reachable by oif though no address says so. */
  readonly onlink?: boolean;
}

/** Adds a route. EEXIST where one of the same dst, table and priority is there. */
export function newRoute(route: Route): Request {
  return {
    type: k.RTM_NEWROUTE,
    flags: k.NLM_F_REQUEST | k.NLM_F_ACK | k.NLM_F_CREATE | k.NLM_F_EXCL,
    label: `add route ${describe(route)}`,
    body: routeBody(route, defaultScope(route), k.RTN_UNICAST),
  };
}

/** Makes a route, in place of the one to the same dst in the table, if there is one: no packet finds none meanwhile. */
export function replaceRoute(route: Route): Request {
  return {
    ...newRoute(route),
    flags: k.NLM_F_REQUEST | k.NLM_F_ACK | k.NLM_F_CREATE | k.NLM_F_REPLACE,
    label: `replace route ${describe(route)}`,
  };
}

/** Deletes the first route that matches. ESRCH where there is none. */
export function deleteRoute(route: Route): Request {
  return {
    type: k.RTM_DELROUTE,
    flags: k.NLM_F_REQUEST | k.NLM_F_ACK,
    label: `delete route ${describe(route)}`,
    // The kernel's wildcards: any scope, any type (fib_table_delete). IPv6 has no scopes.
    body: routeBody(
      route,
      route.dst.address.family === 4 ? k.RT_SCOPE_NOWHERE : k.RT_SCOPE_UNIVERSE,
      k.RTN_UNSPEC,
    ),
  };
}

/**
 * The routes of a table or of all, of a family or of all. Kernels without strict checks (before 4.20) give all
 * tables' either way. A host with MPLS or multicast routes has other families, which decodeRoute does not take.
 */
export function dumpRoutes(table?: number, family?: 4 | 6): Request {
  const header = rtmsg({ family: family === undefined ? k.AF_UNSPEC : familyNumber(family) });
  return {
    type: k.RTM_GETROUTE,
    flags: k.NLM_F_REQUEST | k.NLM_F_DUMP,
    label: `list the${family === undefined ? "" : ` IPv${family}`} routes`,
    body: encodeBody(header, table === undefined ? [] : [u32(k.RTA_TABLE, table)]),
  };
}

function describe(route: Route): string {
  const gateways = [route, ...(route.multipath ?? [])].flatMap(({ gateway }) => gateway ?? []);
  const via = gateways.length === 0 ? "" : ` via ${gateways.map(formatAddress).join(", ")}`;
  return `${formatCidr(route.dst)}${via} in table ${route.table}`;
}

function defaultScope(route: Route): number {
  const reachedDirectly = route.gateway === undefined && route.multipath === undefined;
  return route.dst.address.family === 4 && reachedDirectly ? k.RT_SCOPE_LINK : k.RT_SCOPE_UNIVERSE;
}

interface Rtmsg {
  readonly family: number;
  readonly dstLength?: number;
  readonly table?: number;
  readonly protocol?: number;
  readonly scope?: number;
  readonly type?: number;
  readonly flags?: number;
}

// struct rtmsg: family, dst_len, src_len, tos, table, protocol, scope, type, flags u32
const rtmsgLength = 12;

function rtmsg(fields: Rtmsg): Uint8Array {
  const bytes = new Uint8Array(rtmsgLength);
  bytes.set([fields.family, fields.dstLength ?? 0, 0, 0]);
  bytes.set([fields.table ?? 0, fields.protocol ?? 0, fields.scope ?? 0, fields.type ?? 0], 4);
  viewOf(bytes).setUint32(8, fields.flags ?? 0, true);
  return bytes;
}

function routeBody(route: Route, scope: number, type: number): Uint8Array {
  const { family } = route.dst.address;
  const header = rtmsg({
    family: familyNumber(family),
    dstLength: route.dst.prefix,
    // Tables beyond a byte are in RTA_TABLE only.
    table: route.table < 256 ? route.table : k.RT_TABLE_UNSPEC,
    protocol: route.protocol,
    scope: route.scope ?? scope,
    type,
    flags: route.onlink === true ? k.RTNH_F_ONLINK : 0,
  });
  const attributes: Attribute[] = [];
  const address = (type: number, value: IpAddress) => attributes.push({ type, value: addressBytes(value) });
  if (route.dst.prefix > 0) address(k.RTA_DST, route.dst.address);
  if (route.gateway !== undefined) address(k.RTA_GATEWAY, route.gateway);
  if (route.src !== undefined) address(k.RTA_PREFSRC, route.src);
  if (route.priority !== undefined) attributes.push(u32(k.RTA_PRIORITY, route.priority));
  if (route.table >= 256) attributes.push(u32(k.RTA_TABLE, route.table));
  if (route.oif !== undefined) attributes.push(u32(k.RTA_OIF, route.oif));
  const metrics = encodeMetrics(route);
  if (metrics.length > 0) attributes.push(nest(k.RTA_METRICS, metrics));
  if (route.multipath !== undefined) {
    attributes.push({ type: k.RTA_MULTIPATH, value: encodeNextHops(route.multipath) });
  }
  return encodeBody(header, attributes);
}

function encodeMetrics({ mtu, advmss }: Route): Attribute[] {
  const metrics: Attribute[] = [];
  if (mtu !== undefined) metrics.push(u32(k.RTAX_MTU, mtu));
  if (advmss !== undefined) metrics.push(u32(k.RTAX_ADVMSS, advmss));
  return metrics;
}

/** What a route read says besides what made it. */
export interface RouteRead extends Route {
  readonly scope: number;
  /** RTN_*: 1 unicast, 2 local, 3 broadcast */
  readonly type: number;
}

/** A route of an RTM_NEWROUTE. Throws CodecError. */
export function decodeRoute(message: { readonly body: Uint8Array }): RouteRead {
  const view = headerView(message.body, rtmsgLength, "rtmsg");
  const attributes = decodeAttributes(message.body, rtmsgLength);
  const family = familyOf(view.getUint8(0));
  const address = (type: number) => optional(attributes, type, (value) => readAddress(value, family));
  const metrics = optional(attributes, k.RTA_METRICS, (value) => decodeAttributes(value)) ?? new Map();
  const others =
    metrics.size > 0 && [...metrics.keys()].some((type) => type !== k.RTAX_MTU && type !== k.RTAX_ADVMSS);
  const onlink = (view.getUint32(8, true) & k.RTNH_F_ONLINK) !== 0;
  return {
    dst: {
      address: address(k.RTA_DST) ?? { family, value: 0n },
      prefix: checkedPrefix(view.getUint8(1), family),
    },
    table: optional(attributes, k.RTA_TABLE, readU32) ?? view.getUint8(4),
    protocol: view.getUint8(5),
    scope: view.getUint8(6),
    type: view.getUint8(7),
    ...present({
      oif: optional(attributes, k.RTA_OIF, readU32),
      gateway: readGateway(attributes, family),
      src: address(k.RTA_PREFSRC),
      priority: optional(attributes, k.RTA_PRIORITY, readU32),
      mtu: optional(metrics, k.RTAX_MTU, readU32),
      advmss: optional(metrics, k.RTAX_ADVMSS, readU32),
      multipath: optional(attributes, k.RTA_MULTIPATH, (value) => decodeNextHops(value, family)),
    }),
    ...(others ? { otherMetrics: true } : {}),
    ...(onlink ? { onlink } : {}),
  };
}
