import type { Request } from "../../lib/netlink/codec.ts";
import { NetlinkError } from "../../lib/netlink/error.ts";
import { kindName } from "../../lib/netlink/kind/kinds.ts";
import {
  decodeLink,
  deleteGroup,
  deleteLink,
  dumpLinks,
  type Link,
  setLink,
} from "../../lib/netlink/message/link.ts";
import { decodeRule, deleteRule, dumpRules } from "../../lib/netlink/message/rule.ts";
import type { Netlink } from "../../lib/netlink/socket.ts";
import { ourProtocol } from "./apply.ts";
import { isLent } from "./device/device.ts";
import { isTableOf, type PlannedLink } from "./plan.ts";

/** A namespace, as far as this file needs one. */
interface Netlinked {
  readonly netlink: Netlink;
}

/** What is known of the attachment beside its group. */
interface Recorded {
  /** false where it is known to have no rules */
  readonly rules?: boolean;
  readonly links?: readonly PlannedLink[] | undefined;
}

/**
 * Takes an attachment's links and rules out of the pod's namespace; addresses and routes go with the links. What is
 * gone already is fine, and each part is tried even where another fails. Links that were recorded go whatever the pod
 * has made of their group and name; what it put into the group, and nobody can delete, stays.
 * @throws the kernel's refusal, or an AggregateError of several
 */
export async function detach(
  pod: Netlinked,
  group: number,
  { rules = true, links = [] }: Recorded = {},
): Promise<void> {
  const errors: unknown[] = [];
  const made = links.filter((link) => !isLent(link) && link.index !== undefined);
  const steps = [() => deleteLinks(pod, group, made), () => deleteRules(pod, group)];
  for (const step of rules ? steps : steps.slice(0, 1)) {
    try {
      await step();
    } catch (error) {
      errors.push(...(error instanceof AggregateError ? error.errors : [error]));
    }
  }
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new AggregateError(errors, "links and rules could not be deleted");
}

/** One message for all of them: the kernel waits for its readers (RCU) once, not once a link. */
async function deleteLinks(pod: Netlinked, group: number, made: readonly PlannedLink[]): Promise<void> {
  const isGone = await deletingGroup(pod, group);
  if (isGone && made.length === 0) return;
  const links = await readLinks(pod);
  const isLeft = !isGone && !(await deletingRest(pod, group, links));
  await deleteOneByOne(
    pod,
    links.filter((link) => (isLeft && link.group === group) || made.some((each) => isSame(each, link))),
  );
}

/** One link without a kind, as loopback and NICs are, makes the kernel refuse its whole group: a pod put it there. */
async function deletingRest(pod: Netlinked, group: number, links: readonly Link[]): Promise<boolean> {
  const strange = links.filter((link) => link.group === group && link.kind === undefined);
  if (strange.length === 0) return false;
  const away = strange.map(({ index, name }) =>
    setLink({ index, label: `take ${name} out of group ${group}`, group: 0 }),
  );
  try {
    await pod.netlink.request(away);
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error;
  }
  return deletingGroup(pod, group);
}

/** False where the kernel refuses: it does not take the group, or finds a link in it that nobody can delete. */
async function deletingGroup({ netlink }: Netlinked, group: number): Promise<boolean> {
  try {
    await netlink.request([deleteGroup(group)]);
    return true;
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error;
    return error.code === "ENODEV";
  }
}

async function readLinks({ netlink }: Netlinked): Promise<Link[]> {
  const [messages] = await netlink.request([dumpLinks()]);
  return (messages ?? []).map(decodeLink);
}

/** Nothing that a pod can change. Its ifindex may be another link's, where it was deleted. */
const isSame = ({ index, kind, masterIndex }: PlannedLink, link: Link): boolean =>
  link.index === index && link.link === masterIndex && kindName(link.kind) === kind.kind;

/** Those that are refused keep no other from being deleted. What has no dellink (rtnl_delete_link) we did not make. */
async function deleteOneByOne({ netlink }: Netlinked, links: readonly Link[]): Promise<void> {
  const errors: unknown[] = [];
  for (const { index, name } of links) {
    try {
      await netlink.request([deleteLink(index, name)]);
    } catch (error) {
      if (!(error instanceof NetlinkError) || !["ENODEV", "EOPNOTSUPP"].includes(error.code))
        errors.push(error);
    }
  }
  if (errors.length > 0) throw new AggregateError(errors);
}

/**
 * Rules outlive the links: they are found by our protocol and the attachment's tables. One that nobody may delete is the
 * pod's own, as ADD makes none, and ends with its namespace.
 */
async function deleteRules(pod: Netlinked, group: number): Promise<void> {
  for (const family of [4, 6] as const) {
    const [messages] = await pod.netlink.request([dumpRules(family)]);
    const ours = (messages ?? [])
      .map(decodeRule)
      .filter((rule) => rule.protocol === ourProtocol && isTableOf(group, rule.table) && !rule.permanent)
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
