import { makeBed } from "../bed.ts";
import { type Contestant, daemonContestant, goContestant, standaloneContestant } from "../contestants.ts";
import { byCount, type Measured, measure } from "../measure.ts";
import type { Options } from "../options.ts";

/** A host with so many links, of which one is named as the master; each is a namespace of its own, and they alternate. */
export async function links({ rounds, kind, say }: Options, counts: readonly number[]): Promise<Measured[]> {
  using beds = new DisposableStack();
  const made: Contestant[] = [];
  try {
    for (const count of counts) {
      say(`a host with ${count} links: making them`);
      const bed = beds.use(makeBed({ links: count }));
      const each = [
        goContestant(bed, "go", { kind }),
        standaloneContestant(bed, { kind }),
        await daemonContestant(bed, { kind }),
        await daemonContestant(bed, { kind, byNetwork: true }, "by-network"),
      ];
      made.push(...each.map((contestant) => ({ ...contestant, name: `${contestant.name}, ${count}` })));
    }
    say("links: ADD and DEL");
    const measured = await measure({ title: "links", nics: 1, rounds, contestants: made });
    for (const { resident } of made) resident?.checkServed((rounds + 1) * 2);
    return byCount(measured, counts);
  } finally {
    for (const { resident } of made) await resident?.end();
  }
}
