import type { Check, Scope } from "./check.ts";
import { checks } from "./checks.ts";
import { type Finding, type Reported, warning } from "./finding.ts";
import { type Tree, Unreadable } from "./tree.ts";

/** What a check found; nothing where all is well. */
export interface Examined {
  readonly id: string;
  readonly title: string;
  readonly findings: readonly Reported[];
}

/** Runs every check that applies, one after another. A check that could not look says so among its findings. */
export async function examine(tree: Tree, scope: Scope): Promise<readonly Examined[]> {
  const examined: Examined[] = [];
  for (const check of checks.filter(({ applies }) => applies.includes(scope.role))) {
    const { id, title } = check;
    const findings = (await look(check, tree, scope)).map((finding) => ({ ...finding, check: id }));
    examined.push({ id, title, findings });
  }
  return examined;
}

async function look(check: Check, tree: Tree, scope: Scope): Promise<readonly Finding[]> {
  try {
    return await check.run(tree, scope);
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return [
      warning(
        error.path,
        `cannot be read (${error.code})`,
        "this check says nothing about it",
        "run it as root",
      ),
    ];
  }
}
