import { statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../../lib/cli/arguments.ts";
import type { Command } from "../command-line.ts";
import { physicalFunction } from "../physical-functions.ts";
import type { Served } from "../serve.ts";
import { numberOf, type Tree } from "../tree.ts";
import { applyVfs } from "./apply.ts";
import { planVfs, type VfPlan } from "./plan.ts";

type Asked = Extract<Command, { verb: "plan-vfs" }>;

/** SYSFS_MAGIC of linux/magic.h. */
const sysfs = 0x62656572;

/** Prints the plan, and with --apply carries it out. Exit code 2 where it is refused, or a step of it. */
export async function servePlan(asked: Asked, version: string, tree: Tree): Promise<Served> {
  const pf = physicalFunction(tree, asked.pf);
  if (pf === undefined)
    throw new UsageError(
      `--pf: "${asked.pf}" is no link with virtual functions to make (sriov_totalvfs above 0)`,
    );
  const plan = planVfs(pf, asked.count);
  const outcome = asked.apply && plan.refusals.length === 0 ? carryOut(plan, asked.root, tree) : {};
  const exitCode = plan.refusals.length > 0 || "failure" in outcome ? 2 : 0;
  const stdout = asked.json
    ? `${JSON.stringify({ doctor: version, root: asked.root, ...plan, ...outcome, exitCode }, null, 2)}\n`
    : textOf(plan, asked.apply, outcome);
  return { stdout, stderr: "", exitCode };
}

interface Outcome {
  readonly written?: readonly string[];
  readonly failure?: string;
}

function carryOut(plan: VfPlan, root: string, tree: Tree): Outcome {
  try {
    const written = applyVfs(plan, (path, value) => writeSysfs(root, path, value));
    const [last] = plan.steps.slice(-1);
    const now = last === undefined ? plan.wanted : numberOf(tree, last.path);
    return now === plan.wanted ? { written } : { written, failure: `sriov_numvfs is ${now} after it` };
  } catch (error) {
    return { failure: (error as Error).message };
  }
}

/** A captured tree is not written to: there is no kernel behind it. */
function writeSysfs(root: string, path: string, value: number): void {
  const file = join(root, path);
  if (statfsSync(file).type !== sysfs)
    throw new Error(`${file} is no file of sysfs: this is a captured tree`);
  writeFileSync(file, String(value), { flag: "r+" });
}

function textOf({ pf, before, wanted, steps, refusals }: VfPlan, apply: boolean, outcome: Outcome): string {
  const lines = [
    `${pf}: ${before} virtual functions, ${wanted} wanted`,
    ...refusals.map(({ what, mend }) => `refused  ${what}; mend: ${mend}`),
    ...steps.map(
      ({ path, value, why }) => `${apply ? "step " : "would"}    echo ${value} > ${path}   # ${why}`,
    ),
    ...(outcome.written ?? []).map((step) => `done     ${step}`),
    ...(outcome.failure === undefined ? [] : [`failed   ${outcome.failure}`]),
  ];
  if (steps.length === 0 && refusals.length === 0) lines.push("nothing to do");
  return lines.map((line) => `${line}\n`).join("");
}
