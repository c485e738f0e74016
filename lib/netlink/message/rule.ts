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
  readonly src: Cidr;
  readonly table: number;
  /** Lower ones come first; 0 is the local table's, 32766 main's. */
  readonly priority: number;
  /** RTPROT_*: who made it */
  readonly protocol: number;
}

/** A rule as the kernel describes it. */
export interface RuleRead extends Omit<Rule, "src"> {
  /** Absent for a rule for all sources. */
  readonly src?: Cidr;
  /** FR_ACT_*: 1 to a table, 6 blackhole, 7 unreachable, 8 prohibit */
  readonly action: number;
}

/** Adds a rule. EEXIST where the very same is there. */
export function newRule(rule: Rule): Request {
  return {
    type: k.RTM_NEWRULE,
    flags: k.NLM_F_REQUEST | k.NLM_F_ACK | k.NLM_F_CREATE | k.NLM_F_EXCL,
    label: `add rule ${describe(rule)}`,
    body: ruleBody(rule),
  };
}

/** Deletes the first rule that matches. ENOENT where there is none. */
export function deleteRule(rule: Rule): Request {
  return {
    type: k.RTM_DELRULE,
    flags: k.NLM_F_REQUEST | k.NLM_F_ACK,
    label: `delete rule ${describe(rule)}`,
    body: ruleBody(rule),
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

function describe(rule: Rule): string {
  return `${rule.priority}: from ${formatCidr(rule.src)} lookup ${rule.table}`;
}

// struct fib_rule_hdr: family, dst_len, src_len, tos, table, res1, res2, action, flags u32
const fibRuleHeaderLength = 12;

function fibRuleHeader(family: 4 | 6, srcLength: number, table: number, action: number): Uint8Array {
  return Uint8Array.of(familyNumber(family), 0, srcLength, 0, table, 0, 0, action, 0, 0, 0, 0);
}

function ruleBody(rule: Rule): Uint8Array {
  // Tables beyond a byte are in FRA_TABLE only.
  const inHeader = rule.table < 256;
  const header = fibRuleHeader(
    rule.family,
    rule.src.prefix,
    inHeader ? rule.table : k.RT_TABLE_UNSPEC,
    k.FR_ACT_TO_TBL,
  );
  return encodeBody(header, [
    ...(rule.src.prefix > 0 ? [{ type: k.FRA_SRC, value: addressBytes(rule.src.address) }] : []),
    u32(k.FRA_PRIORITY, rule.priority),
    ...(inHeader ? [] : [u32(k.FRA_TABLE, rule.table)]),
    u8(k.FRA_PROTOCOL, rule.protocol),
  ]);
}

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
    ...present({ src: address === undefined ? undefined : { address, prefix } }),
  };
}
