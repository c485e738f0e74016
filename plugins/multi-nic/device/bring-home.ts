import type { Invocation } from "../../../lib/cni/invocation.ts";
import type { AttachmentKey } from "../../../lib/ipam/record.ts";
import { type Netns, ownNetns } from "../../../lib/linux/netns.ts";
import { saysItLends } from "../conf.ts";
import type { Plan } from "../plan.ts";
import { lends } from "./device.ts";

/** Puts back what a recorded attachment was lent, if anything. Without a plan that can be read: as the next one does. */
export async function bringHome(
  key: AttachmentKey,
  plan: Plan | undefined,
  pod: Netns | undefined,
  invocation: Invocation,
): Promise<void> {
  if (plan === undefined) return bringHomeUnrecorded(key, pod, { virtual: saysItLends(invocation) });
  if (!lends(plan)) return;
  const { giveBack } = await import("./give-back.ts");
  using host = ownNetns();
  await giveBack(plan, { host, pod, log: invocation.log });
}

/**
 * Where the record is lost or damaged, devices are known by their group, and their names by their alias. `virtual`:
 * whether they may be virtual links too, as only a record that is there and cannot be read may say.
 */
export async function bringHomeUnrecorded(
  key: AttachmentKey,
  pod: Netns | undefined,
  which: { readonly virtual: boolean },
): Promise<void> {
  if (pod === undefined) return;
  const { giveBackByAlias } = await import("./give-back-by-alias.ts");
  using host = ownNetns();
  await giveBackByAlias(key, host, pod, which);
}
