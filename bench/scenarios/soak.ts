import { makeBed } from "../bed.ts";
import { daemonContestant } from "../contestants.ts";
import type { Options } from "../options.ts";

/** KiB of the daemon after so many ADDs, each with its DEL. */
export interface Soaked {
  readonly pairs: number;
  readonly resident: number;
  readonly privateMemory: number;
  readonly highest: number;
}

const width = 10;
const steps = [0, 1_000, 2_500, 5_000, 10_000, 15_000, 20_000];

/** ADD and DEL of pods of one network, ten at a time. */
export async function soak({ kind, say }: Options): Promise<Soaked[]> {
  using bed = makeBed({ pods: width });
  const { calls, resident } = await daemonContestant(bed, { kind });
  if (resident === undefined) throw new Error("no daemon");
  const soaked: Soaked[] = [];
  let pairs = 0;
  try {
    for (const step of steps) {
      for (; pairs < step; pairs += width) {
        if (pairs % 500 === 0) say(`soak: ${pairs} of ${steps.at(-1)} ADDs and DELs`);
        for (const verb of ["ADD", "DEL"] as const)
          await bed.launcher.run(
            bed.pods.map((_, pod) => calls(verb, pod, 1)),
            width,
          );
      }
      const { Rss = 0, Private_Clean = 0, Private_Dirty = 0, VmHWM = 0 } = resident.memory();
      soaked.push({ pairs, resident: Rss, privateMemory: Private_Clean + Private_Dirty, highest: VmHWM });
    }
    resident.checkServed(2 * pairs);
    return soaked;
  } finally {
    await resident.end();
  }
}
