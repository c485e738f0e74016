/** What is timed, by verb, in the order in which it has to be called. */
export type Calls = Readonly<Record<string, () => void>>;

/** Milliseconds */
export interface Times {
  readonly median: number;
  readonly p90: number;
}

export interface Measured {
  readonly title: string;
  /** By contestant, then by verb. */
  readonly times: Readonly<Record<string, Readonly<Record<string, Times>>>>;
}

/** Calls every contestant once a round, in turns that begin with another each round; the first round is not counted. */
export function measure(
  title: string,
  rounds: number,
  contestants: Readonly<Record<string, Calls>>,
): Measured {
  const names = Object.keys(contestants);
  const samples = new Map<string, number[]>();
  for (let round = 0; round <= rounds; round++) {
    for (const name of [...names.slice(round % names.length), ...names.slice(0, round % names.length)]) {
      for (const [verb, call] of Object.entries(contestants[name] ?? {})) {
        const start = performance.now();
        call();
        const taken = performance.now() - start;
        const key = `${name} ${verb}`;
        if (round > 0) samples.set(key, [...(samples.get(key) ?? []), taken]);
      }
    }
  }
  const timesOf = (name: string) =>
    Object.keys(contestants[name] ?? {}).map((verb) => [
      verb,
      summarize(samples.get(`${name} ${verb}`) ?? []),
    ]);
  return { title, times: Object.fromEntries(names.map((name) => [name, Object.fromEntries(timesOf(name))])) };
}

function summarize(samples: readonly number[]): Times {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  return { median: at(0.5), p90: at(0.9) };
}
