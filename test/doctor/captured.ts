import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import type { Check, Role, Scope } from "../../doctor/check.ts";
import type { Finding } from "../../doctor/finding.ts";
import { openTree } from "../../doctor/open-tree.ts";
import { capturedPrograms } from "../../doctor/programs.ts";
import type { Tree } from "../../doctor/tree.ts";

/** A file's text, an executable, a symbolic link, or what must not be there. */
export type Entry = string | { readonly executable: string } | { readonly link: string } | undefined;
export type Entries = Readonly<Record<string, Entry>>;

/** Writes a tree that ends with the test, and gives its root. A path ending in "/" is a folder, its text the mode. */
export function writeTree(entries: Entries): string {
  const root = mkdtempSync(join(tmpdir(), "doctor-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  for (const [path, entry] of Object.entries(entries)) {
    if (entry === undefined) continue;
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    if (path.endsWith("/")) mkdirSync(file, { mode: Number.parseInt(String(entry), 8) });
    else if (typeof entry === "string") writeFileSync(file, entry, { mode: 0o600 });
    else if ("link" in entry) symlinkSync(entry.link, file);
    else writeFileSync(file, entry.executable, { mode: 0o755 });
  }
  return root;
}

export function captured(entries: Entries): Tree {
  const root = writeTree(entries);
  return openTree(root, capturedPrograms(root));
}

/** What a check finds in a tree, as "severity what". */
export async function finds(
  check: Check,
  entries: Entries,
  role: Role,
  scope: Partial<Scope> = {},
): Promise<string[]> {
  return (await check.run(captured(entries), { role, ...scope })).map(short);
}

export const short = ({ severity, what }: Finding): string => `${severity} ${what}`;
