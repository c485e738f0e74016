import { setTimeout as sleep } from "node:timers/promises";
import { CniError, ErrorCode } from "../../../lib/cni/error.ts";
import type { Log } from "../../../lib/cni/log.ts";
import type { Netns } from "../../../lib/linux/netns.ts";
import { deleteAltNames } from "../../../lib/netlink/message/alt-names.ts";
import type { Link } from "../../../lib/netlink/message/link.ts";
import type { LentLink, Plan } from "../plan.ts";
import { isLent, lentGroup, shown } from "./device.ts";
import { findAtHome, findInPod, isSomewhere } from "./find.ts";
import { moveAsCan, namesTaken } from "./move.ts";
import { restoreLink, restoreVf } from "./restore.ts";

/** Between which namespaces devices move; without a pod's they are at home, or come there by themselves. */
export interface Way {
  readonly host: Netns;
  readonly pod: Netns | undefined;
  readonly log: Log;
}

/**
 * Puts an attachment's devices back into the host's namespace, as they were. It goes by where they are: still at home,
 * in the pod, half way, or where the kernel put them when the pod's namespace ended. Each is tried, and a second time
 * changes nothing.
 * @throws what could not be put back, or an AggregateError of several; the record has to stay then
 */
export async function giveBack(plan: Plan, way: Way): Promise<void> {
  const errors: unknown[] = [];
  for (const [place, link] of plan.links.entries()) {
    if (!isLent(link)) continue;
    for (const step of [giveBackItsRdma, giveBackOne]) {
      try {
        await step(link, lentGroup(plan.group, place), way);
      } catch (error) {
        errors.push(error);
      }
    }
  }
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1)
    throw new AggregateError(errors, errors.map((error) => (error as Error).message).join("; "));
}

/** Before the link, so that whoever finds that one at home finds them too. */
async function giveBackItsRdma(link: LentLink, _group: number, { host, pod }: Way): Promise<void> {
  if (link.device.rdma !== undefined) await (await import("./rdma.ts")).giveBackRdma(link, host, pod);
}

async function giveBackOne(link: LentLink, group: number, way: Way): Promise<void> {
  const { host, pod } = way;
  const inPod = pod && (await findInPod(pod.netlink, link, group));
  if (pod !== undefined && inPod !== undefined) await moveHome(inPod, link, group, host, pod);
  const home = await waitAtHome(link, group, host);
  // Before the link is up again, it is out of the pod's VLAN.
  await restoreVf(link, host);
  if (home !== undefined) await restoreLink(home, link, group, way);
}

async function moveHome(
  inPod: Link,
  { master, masterIndex, device }: LentLink,
  group: number,
  host: Netns,
  pod: Netns,
): Promise<void> {
  // A further name that the pod gave it may be one of the host's links, and its own may be another's meanwhile.
  const taken = await namesTaken(inPod.altNames, host);
  const unwanted = inPod.altNames.filter((name) => taken.includes(name) || !device.altNames.includes(name));
  if (unwanted.length > 0) await pod.netlink.request([deleteAltNames(inPod.index, unwanted)]);
  const label = `move ${inPod.name} home as ${master}`;
  // Whatever group the pod gave it: until all is as it was, it is known by its own.
  const change = { index: inPod.index, label, netnsFd: host.fd, group };
  // Its ifindex or its name may be another link's meanwhile: home it goes, and restoreLink says so of the name.
  await moveAsCan(pod.netlink, change, [{ name: master, newIndex: masterIndex }, { name: master }]);
}

/** ms that the kernel may take to end a namespace and to put its devices back (cleanup_net) */
const patience = 10_000;

/** The device at home; undefined where it is gone: taken out of the machine, or ended with the pod's namespace. */
async function waitAtHome(link: LentLink, group: number, host: Netns): Promise<Link | undefined> {
  for (const end = Date.now() + patience; ; await sleep(50)) {
    const home = await findAtHome(host.netlink, link, group);
    if (home !== undefined || !isSomewhere(link)) return home;
    if (Date.now() > end) break;
  }
  throw new CniError(
    ErrorCode.tryAgainLater,
    `${shown(link.master, link.device)} has not come back: something keeps the namespace of a pod that is gone, or its driver makes no link; it is put back when DEL, GC or an ADD finds it`,
  );
}
