import type { Netns } from "../../../lib/linux/netns.ts";
import type { Plan } from "../plan.ts";
import { isLent } from "./device.ts";
import { sys } from "./find.ts";
import { differing } from "./restore.ts";
import { findVf } from "./vf.ts";

/** What is otherwise than the plan says beside the pod's links, as sentences. */
export async function differencesOfDevices(plan: Plan, host: Netns, pod: Netns): Promise<string[]> {
  const found = await differencesOfVfs(plan, host);
  if (!plan.links.some((link) => isLent(link) && link.device.rdma !== undefined)) return found;
  return [...found, ...(await (await import("./rdma.ts")).differencesOfRdma(plan, pod))];
}

/** What the physical functions keep. */
async function differencesOfVfs(plan: Plan, { netlink }: Netns): Promise<string[]> {
  const found: string[] = [];
  for (const { ifname, kind, mac, device } of plan.links.filter(isLent)) {
    const { vf } = device;
    if (kind.kind !== "sriov" || vf === undefined) continue;
    const is = await findVf(device, { sys, netlink });
    const wanted = { ...kind.vf, ...(mac === undefined ? {} : { mac }) };
    if (is === undefined) found.push(`${ifname}: virtual function ${vf.number} of ${vf.pf} is gone`);
    else
      for (const [key, value] of Object.entries(differing(wanted, is.now))) {
        const kept = JSON.stringify(is.now[key as keyof typeof is.now]);
        found.push(`${ifname}: ${is.pf} keeps ${key} ${kept} of it, not ${JSON.stringify(value)}`);
      }
  }
  return found;
}
