import { accessSync, constants, existsSync, readdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";

const root = "/sys/fs/cgroup";

/** Whether runc could make cgroups here. */
export function hasCgroups(): boolean {
  try {
    accessSync(root, constants.W_OK);
    return readdirSync(root).length > 0;
  } catch {
    return false;
  }
}

/** Removes a cgroup of the top level, with those in it, from each hierarchy: there is one, or one a controller (cgroups(7)). */
export async function removeCgroup(name: string): Promise<void> {
  const hierarchies = [root, ...foldersIn(root)].map((hierarchy) => join(hierarchy, name));
  for (const cgroup of hierarchies.filter((path) => existsSync(path))) await removeTree(cgroup);
}

/** A cgroup is removed by rmdir, its files with it. A process that has just ended may still hold it for a moment. */
async function removeTree(cgroup: string): Promise<void> {
  for (const child of foldersIn(cgroup)) await removeTree(child);
  for (let tries = 1; ; tries++) {
    try {
      return rmdirSync(cgroup);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EBUSY" || tries === 100) throw error;
      await setTimeout(20);
    }
  }
}

function foldersIn(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(folder, name));
}
