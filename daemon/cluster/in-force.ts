import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { StatePaths } from "../../lib/linux/paths.ts";

/** Where the text of the cluster file is that was taken last: a daemon that is started again goes by it. */
export const pathInForce = ({ dir }: StatePaths): string => join(dir, "cluster-in-force.yaml");

/** undefined where no file was taken since the host started. */
export function readInForce(paths: StatePaths): string | undefined {
  try {
    return readFileSync(pathInForce(paths), "utf8");
  } catch {
    return undefined;
  }
}

/** Puts the text in its place whole. Throws what the file system says. */
export function writeInForce(paths: StatePaths, text: string): void {
  const draft = `${pathInForce(paths)}.new`;
  mkdirSync(paths.dir, { recursive: true, mode: 0o700 });
  writeFileSync(draft, text, { mode: 0o600, flush: true });
  renameSync(draft, pathInForce(paths));
}
