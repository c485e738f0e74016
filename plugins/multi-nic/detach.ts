import type { Request } from "../../lib/netlink/codec.ts";
import { NetlinkError } from "../../lib/netlink/error.ts";
import { decodeLink, deleteGroup, deleteLink, dumpLinks } from "../../lib/netlink/message/link.ts";
import { decodeRule, deleteRule, dumpRules } from "../../lib/netlink/message/rule.ts";
import type { Netlink } from "../../lib/netlink/socket.ts";
import { ourProtocol } from "./apply.ts";
import { isTableOf } from "./plan.ts";

/** A namespace, as far as this file needs one. */
interface Netlinked {
  readonly netlink: Netlink;
}

/**
 * Takes an attachment's links and rules out of the pod's namespace; addresses and routes go with the links. What is
 * gone already is fine, and each part is tried even where another fails. `rules: false` where it is known to have none.
 * @throws the kernel's refusal, or an AggregateError of several
 */
export async function detach(pod: Netlinked, group: number, { rules } = { rules: true }): Promise<void> {
  const errors: unknown[] = [];
  for (const step of rules ? [deleteLinks, deleteRules] : [deleteLinks]) {
    try {
      await step(pod, group);
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new AggregateError(errors, "links and rules could not be deleted");
}

/** One message for all of them: the kernel waits for its readers (RCU) once, not once a link. */
async function deleteLinks(pod: Netlinked, group: number): Promise<void> {
  try {
    await pod.netlink.request([deleteGroup(group)]);
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error;
    if (error.code !== "ENODEV") await deleteOneByOne(pod, group);
  }
}

/** For a kernel or a link that does not take the group. */
async function deleteOneByOne(pod: Netlinked, group: number): Promise<void> {
  const [messages] = await pod.netlink.request([dumpLinks()]);
  const ours = (messages ?? []).map(decodeLink).filter((link) => link.group === group);
  for (const { index, name } of ours) {
    try {
      await pod.netlink.request([deleteLink(index, name)]);
    } catch (error) {
      if (!(error instanceof NetlinkError) || error.code !== "ENODEV") throw error;
    }
  }
}

/** Rules outlive the links: they are found by our protocol and the attachment's tables. */
async function deleteRules(pod: Netlinked, group: number): Promise<void> {
  for (const family of [4, 6] as const) {
    const [messages] = await pod.netlink.request([dumpRules(family)]);
    const ours = (messages ?? [])
      .map(decodeRule)
      .filter((rule) => rule.protocol === ourProtocol && isTableOf(group, rule.table))
      .flatMap(({ src, ...rule }) => (src === undefined ? [] : [{ ...rule, src }]));
    if (ours.length > 0) await deleting(pod, ours.map(deleteRule));
  }
}

/** A rule that another DEL took meanwhile is fine. */
async function deleting(pod: Netlinked, requests: readonly Request[]): Promise<void> {
  try {
    await pod.netlink.request(requests);
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error;
    const refused = [error, ...error.others].find(({ code }) => code !== "ENOENT");
    if (refused !== undefined) throw refused;
  }
}
