import type { Contestant, Verb } from "./contestants.ts";
import { columns, type Measured, type Spread, type Times } from "./measure.ts";
import type { Results } from "./run-scenarios.ts";
import type { Burst } from "./scenarios/burst.ts";
import type { Soaked } from "./scenarios/soak.ts";

/** Titles by the names of contestants. */
export const titles: Readonly<Record<Contestant["name"], string>> = {
  go: "Go 1.1.1",
  "go-1.9": "Go 1.9.1",
  standalone: "multi-nic, standalone",
  daemon: "multi-nic, daemon",
  "by-network": "multi-nic, daemon, masters by network",
};

/** What others are compared with */
const base = "go";

/** The results as Markdown tables. */
export function printTables(results: Results): string {
  const parts: string[] = [];
  const add = (title: string, lines: readonly string[]) => parts.push([title, "", ...lines, ""].join("\n"));
  const { nics, ipvlan, burst, leases, links, soak } = results;
  if (nics !== undefined)
    add("NICs, macvlan: ms, median (90th percentile), and ratio to Go 1.1.1", timesTable(nics, "NICs"));
  if (nics !== undefined)
    add("CPU time of ADD and DEL of a pod, ms; largest resident set of a process, MiB", costTable(nics));
  if (burst !== undefined)
    add(
      `${burst.pods} pods at once: pods/s, median of ${burst.rounds} rounds (10th percentile), and ratio to Go 1.1.1`,
      burstTable(burst),
    );
  if (leases !== undefined)
    add("Leases in the pool: ms, and ratio to a pool with none", growthTable(leases, "Leases"));
  if (links !== undefined)
    add("Links of the host: ms, and ratio to the first row", growthTable(links, "Links"));
  if (ipvlan !== undefined) add("NICs, ipvlan in the test kernel: ratio to Go 1.1.1", ratioTable(ipvlan));
  if (soak !== undefined) add("Memory of multi-nicd, MiB", soakTable(soak));
  return parts.join("\n");
}

function timesTable(rows: readonly Measured[], head: string): string[] {
  const names = namesOf(rows);
  return table(
    [`${head} × verb`, ...names.map(titleOf)],
    rows.flatMap(({ title, times }) =>
      columns.map((column) => {
        const reference = times[base]?.wall[column];
        return [
          `${title} × ${column}`,
          ...names.map((name) => cell(times[name]?.wall[column], name === base ? undefined : reference)),
        ];
      }),
    ),
  );
}

function costTable(rows: readonly Measured[]): string[] {
  const names = namesOf(rows);
  const cost = (times: Times | undefined) =>
    times === undefined ? "" : `${times.cpu.toFixed(1)} ms, ${(times.resident / 1024).toFixed(1)} MiB`;
  return table(
    ["NICs", ...names.map(titleOf)],
    rows.map(({ title, times }) => [title, ...names.map((name) => cost(times[name]))]),
  );
}

function growthTable(rows: readonly Measured[], head: string): string[] {
  const names = namesOf(rows);
  return table(
    [`${head} × verb`, ...names.map(titleOf)],
    rows.flatMap(({ title, times }, place) =>
      columns
        .slice(0, 2)
        .map((column) => [
          `${title} × ${column}`,
          ...names.map((name) =>
            cell(times[name]?.wall[column], place === 0 ? undefined : rows[0]?.times[name]?.wall[column]),
          ),
        ]),
    ),
  );
}

function ratioTable(rows: readonly Measured[]): string[] {
  const names = namesOf(rows).filter((name) => name !== base);
  return table(
    ["NICs × verb", ...names.map(titleOf)],
    rows.flatMap(({ title, times }) =>
      columns.map((column) => [
        `${title} × ${column}`,
        ...names.map((name) => ratio(times[name]?.wall[column], times[base]?.wall[column])),
      ]),
    ),
  );
}

function burstTable({ rates, fallbacks }: Burst): string[] {
  const names = Object.keys(rates);
  const verbs: readonly Verb[] = ["ADD", "DEL"];
  const rate = (name: string, verb: Verb) => {
    const { median = Number.NaN, p10 = Number.NaN } = rates[name]?.[verb] ?? {};
    const over = name === base ? "" : `, ${(median / (rates[base]?.[verb].median ?? Number.NaN)).toFixed(2)}`;
    return `${median.toFixed(0)} (${p10.toFixed(0)})${over}`;
  };
  return [
    ...table(
      ["Verb", ...names.map(titleOf)],
      verbs.map((verb) => [verb, ...names.map((name) => rate(name, verb))]),
    ),
    "",
    `No call failed; the daemon left ${fallbacks.left} of ${fallbacks.calls} calls to the standalone executable.`,
  ];
}

function soakTable(rows: readonly Soaked[]): string[] {
  const mebibytes = (kibibytes: number) => (kibibytes / 1024).toFixed(1);
  return table(
    ["ADDs and DELs", "resident", "of it private", "highest so far"],
    rows.map(({ pairs, resident, privateMemory, highest }) => [
      `${pairs}`,
      ...[resident, privateMemory, highest].map(mebibytes),
    ]),
  );
}

const namesOf = (rows: readonly Measured[]): string[] => Object.keys(rows[0]?.times ?? {});
const titleOf = (name: string): string => titles[name] ?? name;

function cell(times: Spread | undefined, reference: Spread | undefined): string {
  if (times === undefined) return "";
  const text = `${times.median.toFixed(1)} (${times.p90.toFixed(1)})`;
  return reference === undefined ? text : `${text}, ${ratio(times, reference)}`;
}

const ratio = (times: Spread | undefined, reference: Spread | undefined): string =>
  ((times?.median ?? Number.NaN) / (reference?.median ?? Number.NaN)).toFixed(2);

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), `|${head.map(() => "---").join("|")}|`, ...rows.map(line)];
}
