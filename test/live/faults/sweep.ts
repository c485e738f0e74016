import type { Bed } from "./bed.ts";
import { describeFault, type Fault } from "./fault.ts";
import type { Scenario } from "./scenarios.ts";
import { straced } from "./strace.ts";
import type { Call } from "./trace.ts";

/** What came of one fault. */
export interface Trial {
  readonly fault: Fault;
  /** What was wrong; none is []. */
  readonly problems: readonly string[];
  /** The process never came to the call: its calls are not quite the same each time. */
  readonly missed: boolean;
}

/** How often a fault is tried that missed its call. */
const mostAttempts = 12;

/** The faults of a scenario, found by a run that is traced and not disturbed. */
export async function faultsOf(bed: Bed, { arrange, disturbed, faultsAt }: Scenario): Promise<Fault[]> {
  await arrange(bed);
  const { calls } = await straced(bed.node, disturbed(bed));
  await clear(bed);
  return calls.flatMap(faultsAt);
}

/** Tries one fault, and leaves the bed as it was. */
export async function tryFault(bed: Bed, scenario: Scenario, fault: Fault): Promise<Trial> {
  for (let attempt = 1; attempt <= mostAttempts; attempt++) {
    await scenario.arrange(bed);
    const { ended, calls } = await straced(bed.node, scenario.disturbed(bed), fault);
    const hit = isSame(disturbedCall(calls, fault), fault.call);
    const problems = hit ? await scenario.judge(bed, ended, fault) : [];
    if (!hit || problems.length > 0) await clear(bed);
    if (hit) return { fault, problems, missed: false };
  }
  return { fault, problems: [], missed: true };
}

/** The call that strace marked, or at which the process ended. */
const disturbedCall = (calls: readonly Call[], { what }: Fault): Call | undefined =>
  what === "KILL" ? calls.at(-1) : calls.find(({ injected }) => injected);

const isSame = (found: Call | undefined, wanted: Call): boolean =>
  found?.syscall === wanted.syscall && found.nth === wanted.nth && found.target === wanted.target;

/** What a failed trial left would be held against the next. */
async function clear(bed: Bed): Promise<void> {
  for (const who of ["pod", "other"] as const) await bed.call("DEL", {}, who);
  if (bed.state() === bed.empty) return;
  for (const { ip, ipJson } of [bed.pod, bed.other]) {
    const links = ipJson<{ ifname: string }[]>("link show").filter(({ ifname }) => ifname !== "lo");
    for (const { ifname } of links) ip(`link del ${ifname}`);
    for (const family of [4, 6]) {
      const rules = ipJson<{ priority: number; table: string }[]>(`-${family} rule show`);
      for (const { priority } of rules.filter(({ table }) => /^\d+$/.test(table)))
        ip(`-${family} rule del priority ${priority}`);
    }
  }
  if (bed.state() !== bed.empty) throw new Error("the pods cannot be cleared for the next fault");
}

export const describeTrial = ({ fault, problems }: Trial): string =>
  `${describeFault(fault)}: ${problems.join("; ")}`;
