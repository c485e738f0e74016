import type { Measured, Times } from "./measure.ts";

/** The results as a Markdown table: medians (90th percentiles) in milliseconds, and ours over Go's. */
export function printTable(rounds: number, results: readonly Measured[]): string {
  const rows = results.flatMap(({ title, times }) => {
    const { go = {}, ours = {} } = times;
    const verbs = Object.keys(ours);
    const single = verbs.map((verb) =>
      row(verb === title ? verb : `${title} × ${verb}`, go[verb], ours[verb]),
    );
    return verbs.length < 2 ? single : [...single, row(`${title} × ADD + DEL`, sum(go), sum(ours))];
  });
  return [
    `Medians of ${rounds} rounds, alternating, in ms (90th percentile):`,
    "",
    "| NICs × verb | Go macvlan + host-local | multi-nic, standalone | ratio |",
    "|---|---|---|---|",
    ...rows,
  ].join("\n");
}

function row(title: string, go: Times | undefined, ours: Times | undefined): string {
  const ratio = (ours?.median ?? Number.NaN) / (go?.median ?? Number.NaN);
  return `| ${title} | ${text(go)} | ${text(ours)} | ${ratio.toFixed(2)} |`;
}

const text = (times: Times | undefined): string =>
  times === undefined ? "" : `${times.median.toFixed(1)} (${times.p90.toFixed(1)})`;

/** The median of a sum is not the sum of medians, but near it where the parts are steady. */
function sum(byVerb: Readonly<Record<string, Times>>): Times {
  const all = Object.values(byVerb);
  const add = (pick: (times: Times) => number) => all.reduce((total, times) => total + pick(times), 0);
  return { median: add(({ median }) => median), p90: add(({ p90 }) => p90) };
}
