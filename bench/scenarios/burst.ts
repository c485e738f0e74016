import { makeBed } from "../bed.ts";
import { allContestants, type Contestant, type Verb, verbs } from "../contestants.ts";
import { type Spread, spread } from "../measure.ts";
import type { Options } from "../options.ts";

/** Pods per second, by contestant and verb. */
export interface Burst {
  readonly pods: number;
  readonly rounds: number;
  /** Calls that the daemon did not take in time, of all that it was to serve, those that are not counted included */
  readonly fallbacks: { readonly calls: number; readonly left: number };
  readonly rates: Readonly<Record<string, Readonly<Record<Verb, Spread>>>>;
}

const pods = 50;

/** All pods at once, of one network each. A failure of one ends it. */
export async function burst({ rounds, kind, newer, say }: Options): Promise<Burst> {
  using bed = makeBed({ pods });
  const { contestants, daemon } = await allContestants(bed, { kind }, newer);
  const rates = new Map(contestants.map(({ name }) => [name, { ADD: [] as number[], DEL: [] as number[] }]));
  const calls = (rounds + 1) * pods * verbs.length;
  let served = 0;
  try {
    for (let round = 0; round <= rounds; round++) {
      say(`${pods} pods at once, round ${round} of ${rounds}`);
      const first = round % contestants.length;
      for (const contestant of [...contestants.slice(first), ...contestants.slice(0, first)])
        for (const verb of verbs) {
          const rate = await together(contestant, verb);
          if (round > 0) rates.get(contestant.name)?.[verb].push(rate);
        }
    }
    served = daemon.resident?.served() ?? 0;
  } finally {
    await daemon.resident?.end();
  }
  return {
    pods,
    rounds,
    fallbacks: { calls, left: calls - served },
    rates: Object.fromEntries(
      [...rates].map(([name, { ADD, DEL }]) => [name, { ADD: spread(ADD), DEL: spread(DEL) }]),
    ),
  };
}

async function together({ bed, calls }: Contestant, verb: Verb): Promise<number> {
  const ran = await bed.launcher.run(
    bed.pods.map((_, pod) => calls(verb, pod, 1)),
    pods,
  );
  const start = Math.min(...ran.map((each) => each.start));
  const end = Math.max(...ran.map((each) => each.end));
  return (ran.length * 1000) / (end - start);
}
