import { type Attribute, encodeBody, nest, type Request, text, viewOf } from "../codec.ts";
import * as k from "../constants.ts";

const RTM_NEWLINKPROP = 108;
const RTM_DELLINKPROP = 109;
const NLM_F_APPEND = 0x800;
/** Of nla_type: iproute2 gives it here, where rtnetlink is newer than the flag. */
const NLA_F_NESTED = 0x8000;

/** Gives a link further names. EEXIST where a link of the namespace has one of them. */
export function addAltNames(index: number, names: readonly string[]): Request {
  const flags = k.NLM_F_CREATE | k.NLM_F_EXCL | NLM_F_APPEND;
  return property(RTM_NEWLINKPROP, flags, index, names, "give");
}

/** Takes further names from a link. ENOENT where it has no such name. */
export function deleteAltNames(index: number, names: readonly string[]): Request {
  return property(RTM_DELLINKPROP, 0, index, names, "take");
}

function property(
  type: number,
  flags: number,
  index: number,
  names: readonly string[],
  verb: string,
): Request {
  // struct ifinfomsg
  const header = new Uint8Array(16);
  viewOf(header).setInt32(4, index, true);
  const list: readonly Attribute[] = names.map((name) => text(k.IFLA_ALT_IFNAME, name));
  return {
    type,
    flags: k.NLM_F_REQUEST | k.NLM_F_ACK | flags,
    label: `${verb} the names ${names.join(", ")} of link ${index}`,
    body: encodeBody(header, [nest(k.IFLA_PROP_LIST | NLA_F_NESTED, list)]),
  };
}
