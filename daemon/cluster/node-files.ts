import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { NodeFileJson } from "../../lib/cluster/host-plan.ts";

/** The node files that multi-nicd wrote, by their networks; others' are not looked at. */
export function readWritten(folder: string): Map<string, NodeFileJson> {
  const written = new Map<string, NodeFileJson>();
  for (const name of namesIn(folder)) {
    if (!name.endsWith(".json")) continue;
    const file = parsed(join(folder, name));
    if (file?.writtenBy === "multi-nicd") written.set(name.slice(0, -".json".length), file);
  }
  return written;
}

/** Puts the file in its place whole; false where it was so already. Throws what the file system says. */
export function writeNodeFile(folder: string, network: string, file: NodeFileJson): boolean {
  const path = join(folder, `${network}.json`);
  const text = `${JSON.stringify(file)}\n`;
  if (textOf(path) === text) return false;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const draft = join(folder, `.${network}.new`);
  writeFileSync(draft, text, { mode: 0o600, flush: true });
  renameSync(draft, path);
  return true;
}

export function removeNodeFile(folder: string, network: string): void {
  rmSync(join(folder, `${network}.json`), { force: true });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function parsed(path: string): NodeFileJson | undefined {
  try {
    const file = JSON.parse(textOf(path) ?? "null");
    return typeof file?.blocks === "object" && file.blocks !== null ? file : undefined;
  } catch {
    return undefined;
  }
}
