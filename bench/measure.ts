import { type Contestant, type Verb, verbs } from "./contestants.ts";
import type { Ran } from "./launcher.ts";

/** Of the samples of one measurement. */
export interface Spread {
  readonly p10: number;
  readonly median: number;
  readonly p90: number;
}

export type Column = Verb | "ADD + DEL";
export const columns: readonly Column[] = ["ADD", "DEL", "ADD + DEL"];

/** One contestant at one number of NICs. */
export interface Times {
  /** ms from the start of the first process to the end of the last */
  readonly wall: Readonly<Record<Column, Spread>>;
  /** ms of CPU time for ADD and DEL of one pod, the daemon's included */
  readonly cpu: number;
  /** KiB of the largest resident set of a process that was started */
  readonly resident: number;
}

export interface Measured {
  readonly title: string;
  readonly nics: number;
  /** By contestant */
  readonly times: Readonly<Record<string, Times>>;
}

export interface Task {
  readonly title: string;
  readonly nics: number;
  readonly rounds: number;
  readonly contestants: readonly Contestant[];
}

/** Adds and deletes a pod with every contestant once a round, in turns that begin with another each round; the first round is not counted. */
export async function measure({ title, nics, rounds, contestants }: Task): Promise<Measured> {
  const samples = new Map(contestants.map(({ name }) => [name, [] as Record<Verb, Ran>[]]));
  const calls = new Map<Contestant, number>();
  const before = new Map<Contestant, number>();
  for (let round = 0; round <= rounds; round++) {
    const first = round % contestants.length;
    for (const contestant of [...contestants.slice(first), ...contestants.slice(0, first)]) {
      if (round === 1) before.set(contestant, contestant.resident?.cpu() ?? 0);
      const pair = await addAndDelete(contestant, nics);
      calls.set(contestant, (calls.get(contestant) ?? 0) + verbs.length);
      if (round > 0) samples.get(contestant.name)?.push(pair);
    }
  }
  const daemonCpu = (contestant: Contestant) =>
    ((contestant.resident?.cpu() ?? 0) - (before.get(contestant) ?? 0)) / rounds;
  const times = contestants.map((contestant) => [
    contestant.name,
    timesOf(samples.get(contestant.name) ?? [], daemonCpu(contestant)),
  ]);
  return { title, nics, times: Object.fromEntries(times) };
}

async function addAndDelete({ bed, calls }: Contestant, nics: number): Promise<Record<Verb, Ran>> {
  const run = async (verb: Verb) => {
    const [ran] = await bed.launcher.run([calls(verb, 0, nics)]);
    if (ran === undefined) throw new Error(`${verb} of no networks`);
    return ran;
  };
  return { ADD: await run("ADD"), DEL: await run("DEL") };
}

function timesOf(pairs: readonly Record<Verb, Ran>[], daemonCpu: number): Times {
  const wall = ({ start, end }: Ran) => end - start;
  return {
    wall: {
      ADD: spread(pairs.map(({ ADD }) => wall(ADD))),
      DEL: spread(pairs.map(({ DEL }) => wall(DEL))),
      "ADD + DEL": spread(pairs.map(({ ADD, DEL }) => wall(ADD) + wall(DEL))),
    },
    cpu: spread(pairs.map(({ ADD, DEL }) => ADD.cpu + DEL.cpu)).median + daemonCpu,
    resident: Math.max(...pairs.flatMap(({ ADD, DEL }) => [ADD.resident, DEL.resident])),
  };
}

export function spread(samples: readonly number[]): Spread {
  const sorted = [...samples].sort((a, b) => a - b);
  // Between the two samples that a share falls between.
  const at = (share: number) => {
    const place = share * (sorted.length - 1);
    const low = sorted[Math.floor(place)] ?? Number.NaN;
    const high = sorted[Math.ceil(place)] ?? Number.NaN;
    return low + (high - low) * (place - Math.floor(place));
  };
  return { p10: at(0.1), median: at(0.5), p90: at(0.9) };
}

/** Of contestants named "NAME, COUNT" that alternated: a measurement for each count. */
export function byCount({ nics, times }: Measured, counts: readonly number[]): Measured[] {
  return counts.map((count) => {
    const own = Object.entries(times).filter(([name]) => name.endsWith(`, ${count}`));
    const named = own.map(([name, each]) => [name.replace(/, \d+$/, ""), each]);
    return { title: `${count}`, nics, times: Object.fromEntries(named) };
  });
}
