import { addressBytes, type Cidr, formatCidr } from "../../net/address.ts";
import {
  decodeAttributes,
  encodeBody,
  headerView,
  optional,
  present,
  type Request,
  readU8,
  readU32,
  u8,
  u32,
} from "../codec.ts";
import * as k from "../constants.ts";
import { checkedPrefix, familyNumber, familyOf, readAddress } from "./address.ts";

/** A rule that sends what comes from `src` to a table. */
export interface Rule {
  readonly family: 4 | 6;
  /** All sources, where absent. */
  readonly src?: Cidr;
  readonly table: number;
  /** Lower ones come first; 0 is the local table's, 32766 main's. */
  readonly priority: number;
  /** RTPROT_*: who made it */
  readonly protocol: number;
}

/** A rule as the kernel describes it. */
export interface RuleRead extends Rule {
  /** FR_ACT_*: 1 to a table, 6 blackhole, 7 unreachable, 8 prohibit */
  readonly action: number;
  /** Nobody may delete it. */
  readonly permanent?: true;
}

/** Adds a rule. EEXIST where the very same is there. */
export function newRule(rule: Rule): Request {
  return {
    type: k.RTM_NEWRULE,
    flags: k.NLM_F_REQUEST | k.NLM_F_ACK | k.NLM_F_CREATE | k.NLM_F_EXCL,
    label: `add rule ${describe(rule)}`,
    body: ruleBody(rule, k.FR_ACT_TO_TBL),
  };
}

/** Deletes the first rule that matches. ENOENT where there is none. */
export function deleteRule(rule: Rule): Request {
  return {
    type: k.RTM_DELRULE,
    flags: k.NLM_F_REQUEST | k.NLM_F_ACK,
    label: `delete rule ${describe(rule)}`,
    body: ruleBody(rule, k.FR_ACT_UNSPEC),
  };
}

/** The rules of a family. */
export function dumpRules(family: 4 | 6): Request {
  return {
    type: k.RTM_GETRULE,
    flags: k.NLM_F_REQUEST | k.NLM_F_DUMP,
    label: `list the IPv${family} rules`,
    body: fibRuleHeader(family, 0, 0, 0),
  };
}

function describe({ priority, src, table }: Rule): string {
  return `${priority}: from ${src === undefined ? "all" : formatCidr(src)} lookup ${table}`;
}

// struct fib_rule_hdr: family, dst_len, src_len, tos, table, res1, res2, action, flags u32
const fibRuleHeaderLength = 12;

function fibRuleHeader(family: 4 | 6, srcLength: number, table: number, action: number): Uint8Array {
  return Uint8Array.of(familyNumber(family), 0, srcLength, 0, table, 0, 0, action, 0, 0, 0, 0);
}

function ruleBody({ family, src, table, priority, protocol }: Rule, action: number): Uint8Array {
  // Tables beyond a byte are in FRA_TABLE only.
  const inHeader = table < 256;
  const header = fibRuleHeader(family, src?.prefix ?? 0, inHeader ? table : k.RT_TABLE_UNSPEC, action);
  return encodeBody(header, [
    ...(src === undefined || src.prefix === 0 ? [] : [{ type: k.FRA_SRC, value: addressBytes(src.address) }]),
    ...(inHeader ? [] : [u32(k.FRA_TABLE, table)]),
    u32(k.FRA_PRIORITY, priority),
    u8(k.FRA_PROTOCOL, protocol),
  ]);
}

/** Of fib_rule_hdr's flags (linux/fib_rules.h): the kernel takes it from whoever adds a rule, and deletes no such rule. */
const FIB_RULE_PERMANENT = 1;

/** A rule of an RTM_NEWRULE. Throws CodecError. */
export function decodeRule(message: { readonly body: Uint8Array }): RuleRead {
  const view = headerView(message.body, fibRuleHeaderLength, "fib_rule_hdr");
  const attributes = decodeAttributes(message.body, fibRuleHeaderLength);
  const family = familyOf(view.getUint8(0));
  const address = optional(attributes, k.FRA_SRC, (value) => readAddress(value, family));
  const prefix = checkedPrefix(view.getUint8(2), family);
  return {
    family,
    table: optional(attributes, k.FRA_TABLE, readU32) ?? view.getUint8(4),
    // A rule without FRA_PRIORITY has priority 0 (fib_nl_fill_rule leaves a 0 out).
    priority: optional(attributes, k.FRA_PRIORITY, readU32) ?? 0,
    protocol: optional(attributes, k.FRA_PROTOCOL, readU8) ?? 0,
    action: view.getUint8(7),
    ...present({
      src: address === undefined ? undefined : { address, prefix },
      permanent: (view.getUint32(8, true) & FIB_RULE_PERMANENT) === 0 ? undefined : true,
    }),
  };
}
