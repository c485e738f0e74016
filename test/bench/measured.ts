import type { Measured, Spread, Times } from "../../bench/measure.ts";

/** As if every sample were this, a tenth of them a fifth less or more. */
const around = (median: number): Spread => ({ p10: median * 0.8, median, p90: median * 1.2 });

const times = (add: number, del: number): Times => ({
  wall: { ADD: around(add), DEL: around(del), "ADD + DEL": around(add + del) },
  cpu: add,
  resident: 2048,
});

/** What a run of the benchmark could have measured. */
export const measured: readonly Measured[] = [1, 8].map((nics) => ({
  title: `${nics}`,
  nics,
  times: { go: times(8 * nics, 20 * nics), standalone: times(30, 40), daemon: times(4, 16) },
}));
