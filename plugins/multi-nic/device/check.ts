import type { Netns } from "../../../lib/linux/netns.ts";
import type { Plan } from "../plan.ts";
import { isLent } from "./device.ts";
import { differing, readVf } from "./restore.ts";

/** What the physical functions keep otherwise than the plan says, as sentences. */
export async function differencesOfVfs(plan: Plan, { netlink }: Netns): Promise<string[]> {
  const found: string[] = [];
  for (const { ifname, kind, mac, device } of plan.links.filter(isLent)) {
    const { vf } = device;
    if (kind.kind !== "sriov" || vf === undefined) continue;
    const now = await readVf(vf, netlink);
    const wanted = { ...kind.vf, ...(mac === undefined ? {} : { mac }) };
    if (now === undefined) found.push(`${ifname}: virtual function ${vf.number} of ${vf.pf} is gone`);
    else
      for (const [key, value] of Object.entries(differing(wanted, now))) {
        const is = JSON.stringify(now[key as keyof typeof now]);
        found.push(`${ifname}: ${vf.pf} keeps ${key} ${is} of it, not ${JSON.stringify(value)}`);
      }
  }
  return found;
}
