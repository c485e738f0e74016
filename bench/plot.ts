import { columns, type Measured, type Spread } from "./measure.ts";
import { titles } from "./table.ts";

/** px; the drawing scales */
const panel = { width: 340, height: 250, left: 52, top: 34, gap: 26 };
const legendHeight = 58;
const shown = columns.slice(0, 2);

/** Colours that keep 3:1 to white and to GitHub's dark background, and shapes for those who do not tell them apart. */
const looks: Readonly<Record<string, { readonly colour: string; readonly shape: string }>> = {
  go: { colour: "#0a8fb5", shape: "M-4,-4h8v8h-8z" },
  "go-1.9": { colour: "#8a6fd1", shape: "M0,-5l5,9h-10z" },
  standalone: { colour: "#c9720a", shape: "M0,-5l5,5l-5,5l-5,-5z" },
  daemon: { colour: "#2e9e44", shape: "M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0z" },
};

/** Latency over the number of NICs: a panel for ADD and one for DEL, medians with a bar from the 10th to the 90th percentile. */
export function plot(rows: readonly Measured[]): string {
  if (rows.length === 0) throw new Error("there is nothing to draw: run the scenario nics (--only nics)");
  const names = Object.keys(rows[0]?.times ?? {});
  const highest = Math.max(
    ...rows.flatMap(({ times }) =>
      names.flatMap((name) => shown.map((verb) => times[name]?.wall[verb].p90 ?? 0)),
    ),
  );
  const step = tickStep(highest);
  const top = Math.ceil(highest / step) * step;
  const width = panel.left + 2 * panel.width + panel.gap + 12;
  const height = panel.top + panel.height + 42 + legendHeight;
  const most = Math.max(...rows.map(({ nics }) => nics));
  const x = (nics: number) => round(14 + (nics / most) * (panel.width - 30));
  const y = (ms: number) => round(panel.height * (1 - ms / top));
  const panels = shown.map((verb, place) => {
    const at = panel.left + place * (panel.width + panel.gap);
    const lines = names.map((name) => line(name, points(rows, name, verb), x, y));
    return `<g transform="translate(${at},${panel.top})">${[
      `<text class="title" x="${panel.width / 2}" y="-14">${verb}</text>`,
      ...axes(rows, { top, step, x, y, hasNumbers: place === 0 }),
      ...lines,
    ].join("\n")}</g>`;
  });
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="Latency of ADD and of DEL over the number of NICs of a pod">`,
    style,
    ...panels,
    `<text class="axis" transform="translate(14,${panel.top + panel.height / 2}) rotate(-90)">ms, less is better</text>`,
    legend(names, panel.top + panel.height + 64),
    "</svg>",
  ].join("\n")}\n`;
}

// The page's own colour of text, so far as an image can know it.
const style = `<style>
  text { font: 12px system-ui, sans-serif; fill: #57606a; }
  .title { font-weight: 600; font-size: 14px; text-anchor: middle; }
  .axis, .below { text-anchor: middle; }
  .number { text-anchor: end; }
  .grid { stroke: #8b949e; stroke-opacity: 0.35; }
  @media (prefers-color-scheme: dark) { text { fill: #c9d1d9; } }
</style>`;

interface Scale {
  readonly top: number;
  readonly step: number;
  readonly x: (nics: number) => number;
  readonly y: (ms: number) => number;
  readonly hasNumbers: boolean;
}

function axes(rows: readonly Measured[], { top, step, x, y, hasNumbers }: Scale): string[] {
  const ticks = Array.from({ length: Math.round(top / step) + 1 }, (_, i) => i * step);
  return [
    ...ticks.map((ms) => `<line class="grid" x1="0" x2="${panel.width}" y1="${y(ms)}" y2="${y(ms)}"/>`),
    ...(hasNumbers ? ticks.map((ms) => `<text class="number" x="-8" y="${y(ms) + 4}">${ms}</text>`) : []),
    ...rows.map(({ nics }) => `<text class="below" x="${x(nics)}" y="${panel.height + 18}">${nics}</text>`),
    `<text class="below" x="${panel.width / 2}" y="${panel.height + 36}">NICs of the pod</text>`,
  ];
}

interface Point extends Spread {
  readonly nics: number;
}

function points(rows: readonly Measured[], name: string, verb: (typeof shown)[number]): Point[] {
  return rows.flatMap(({ nics, times }) => {
    const spread = times[name]?.wall[verb];
    return spread === undefined ? [] : [{ nics, ...spread }];
  });
}

function line(name: string, all: readonly Point[], x: Scale["x"], y: Scale["y"]): string {
  const { colour = "#888", shape = "" } = looks[name] ?? {};
  const path = all.map(({ nics, median }, i) => `${i === 0 ? "M" : "L"}${x(nics)},${y(median)}`).join("");
  const marks = all.map(
    ({ nics, median, p10, p90 }) =>
      `<path d="M${x(nics)},${y(p10)}V${y(p90)}" stroke-width="3" stroke-opacity="0.4"/>` +
      `<path transform="translate(${x(nics)},${y(median)})" d="${shape}" fill="${colour}" stroke="none"/>`,
  );
  return `<g stroke="${colour}" fill="none" stroke-width="2"><path d="${path}"/>${marks.join("")}</g>`;
}

function legend(names: readonly string[], top: number): string {
  const items = names.map((name, i) => {
    const { colour = "#888", shape = "" } = looks[name] ?? {};
    const at = `translate(${panel.left + 8 + Math.floor(i / 2) * 370},${top + (i % 2) * 20})`;
    const text = name.startsWith("go")
      ? `${titles[name]}: macvlan + host-local, one after another`
      : titles[name];
    return `<g transform="${at}"><path d="${shape}" fill="${colour}"/><text x="12" y="4">${text}</text></g>`;
  });
  return items.join("\n");
}

/** 1, 2 or 5 times a power of ten, for four to ten ticks. */
function tickStep(highest: number): number {
  const power = 10 ** Math.floor(Math.log10(highest / 4));
  const [step = 10] = [1, 2, 5, 10].filter((factor) => highest / (factor * power) <= 8);
  return step * power;
}

const round = (pixels: number): number => Math.round(pixels * 10) / 10;
