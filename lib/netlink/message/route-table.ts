import { findAttribute, headerView, readU32 } from "../codec.ts";
import { RT_TABLE_COMPAT, RT_TABLE_UNSPEC, RTA_TABLE } from "../constants.ts";

// struct rtmsg of linux/rtnetlink.h: the table is its fifth byte
const rtmsgLength = 12;

/** The table of an RTM_NEWROUTE or RTM_DELROUTE, whatever else it says. Throws CodecError. */
export function tableIn({ body }: { readonly body: Uint8Array }): number {
  const table = headerView(body, rtmsgLength, "rtmsg").getUint8(4);
  // Most routes are in one that a byte has room for, and there is no attribute to look for.
  if (table !== RT_TABLE_UNSPEC && table !== RT_TABLE_COMPAT) return table;
  const value = findAttribute(body, RTA_TABLE, rtmsgLength);
  return value === undefined ? table : readU32(value);
}
