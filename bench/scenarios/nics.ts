import { makeBed } from "../bed.ts";
import { allContestants } from "../contestants.ts";
import { type Measured, measure } from "../measure.ts";
import type { Options } from "../options.ts";

/** A pod with 1, 2, 4, 8 networks. */
export async function nics(
  { rounds, kind, newer, say }: Options,
  counts: readonly number[],
): Promise<Measured[]> {
  using bed = makeBed({ masters: Math.max(...counts) });
  const { contestants, daemon } = await allContestants(bed, { kind }, newer);
  try {
    const results: Measured[] = [];
    for (const count of counts) {
      say(`${count} ${count === 1 ? "NIC" : "NICs"}`);
      results.push(await measure({ title: `${count}`, nics: count, rounds, contestants }));
    }
    daemon.resident?.checkServed(counts.length * (rounds + 1) * 2);
    return results;
  } finally {
    await daemon.resident?.end();
  }
}
