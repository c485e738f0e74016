import type { Measured } from "./measure.ts";
import type { Options } from "./options.ts";
import { type Burst, burst } from "./scenarios/burst.ts";
import { ipvlan } from "./scenarios/ipvlan.ts";
import { leases } from "./scenarios/leases.ts";
import { links } from "./scenarios/links.ts";
import { nics } from "./scenarios/nics.ts";
import { type Soaked, soak } from "./scenarios/soak.ts";

/** What was measured, by scenario. */
export interface Results {
  readonly rounds: number;
  readonly nics?: Measured[];
  readonly burst?: Burst;
  readonly leases?: Measured[];
  readonly links?: Measured[];
  readonly ipvlan?: Measured[];
  readonly soak?: Soaked[];
}

export const scenarios = {
  nics: (options: Options) => nics(options, options.counts),
  burst,
  leases: (options: Options) => leases(options, [0, 1_000, 60_000]),
  links: (options: Options) => links(options, [10, 1_000]),
  ipvlan,
  soak,
} as const satisfies Readonly<Record<string, (options: Options) => Promise<unknown>>>;

export type Scenario = keyof typeof scenarios;

/** Those that a run has unless it is told otherwise; the others take minutes. */
export const usual: readonly Scenario[] = ["nics", "burst", "leases", "links"];

export async function runScenarios(names: readonly Scenario[], options: Options): Promise<Results> {
  const results: Record<string, unknown> = { rounds: options.rounds };
  for (const name of names) results[name] = await scenarios[name](options);
  return results as unknown as Results;
}
