import { readFileSync } from "node:fs";
import { join } from "node:path";

export const project = join(import.meta.dirname, "../..");

/** A shell block, and what it is said to print: in the block behind it that is not one of a shell. */
export interface Step {
  readonly section: string;
  readonly commands: string;
  readonly prints: string;
}

/** The shell blocks of a page under docs, in their order. */
export function readSteps(page: string): Step[] {
  const text = readFileSync(join(project, "docs", page), "utf8");
  return text.split(/^## /m).flatMap((part) => {
    const section = part.slice(0, part.indexOf("\n"));
    const blocks = [...part.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, kind, body = ""]) => ({
      kind,
      body,
    }));
    return blocks.flatMap(({ kind, body }, at) => {
      const next = blocks[at + 1];
      const prints = next === undefined || next.kind === "sh" ? "" : next.body;
      return kind === "sh" ? [{ section, commands: body, prints }] : [];
    });
  });
}

const mark = "=== end of a step ===";

/** One script of all the steps, for a shell that stops at the first failure. */
export function toScript(steps: readonly Step[]): string {
  return steps.map(({ commands }) => `${commands}echo '${mark}'\n`).join("");
}

/** What each step has printed. */
export function outputsOf(stdout: string): string[] {
  return stdout
    .split(mark)
    .slice(0, -1)
    .map((output) => output.replace(/^\n/, ""));
}
