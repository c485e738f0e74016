import { chmodSync, lstatSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parentWithin, within } from "./open-tree.ts";
import { captureName, failedSuffix, type Output } from "./programs.ts";
import type { Stat, Tree } from "./tree.ts";

/** A tree that keeps what is read of it. */
export interface Recording {
  readonly tree: Tree;
  /** Writes all that has been read to a folder, which --root then takes. */
  readonly save: (folder: string) => void;
}

/** Keeps what checks read of a tree: that, and nothing else, is what a capture of it needs. */
export function recording(of: Tree): Recording {
  const texts = new Map<string, string | undefined>();
  const lists = new Map<string, readonly string[]>();
  const links = new Map<string, string | undefined>();
  const stats = new Map<string, Stat | undefined>();
  const outputs = new Map<string, Output>();
  /** What is in a folder has to be there as what it is, though nobody read it. */
  const kept =
    <T>(store: Map<string, T>, read: (path: string) => T) =>
    (path: string): T => {
      const found = read(path);
      store.set(path, found);
      return found;
    };
  const link = kept(links, of.link);
  const stat = kept(stats, of.stat);
  const tree: Tree = {
    text: kept(texts, of.text),
    // Too large to keep: its sum in its place still tells files apart.
    digest: kept(texts, of.digest),
    link,
    stat,
    list(path) {
      const names = of.list(path);
      lists.set(path, names);
      for (const entry of names.map((name) => join(path, name))) if (link(entry) === undefined) stat(entry);
      return names;
    },
    async output(program, args) {
      const output = await of.output(program, args);
      outputs.set(captureName(program, args), output);
      return output;
    },
  };
  return { tree, save: (folder) => save(folder, { texts, lists, links, stats, outputs }) };
}

interface Kept {
  readonly texts: ReadonlyMap<string, string | undefined>;
  readonly lists: ReadonlyMap<string, readonly string[]>;
  readonly links: ReadonlyMap<string, string | undefined>;
  readonly stats: ReadonlyMap<string, Stat | undefined>;
  readonly outputs: ReadonlyMap<string, Output>;
}

/** Links first, the upper ones before the lower, so that the rest is written to where they lead. */
function save(folder: string, { texts, lists, links, stats, outputs }: Kept): void {
  for (const [path, target] of [...links].sort(([a], [b]) => a.length - b.length))
    if (target !== undefined) makeLink(target, parentMade(parentWithin(folder, path)));
  for (const [path, names] of lists)
    if (names.length > 0) mkdirSync(within(folder, path), { recursive: true });
  for (const [path, text] of texts)
    if (text !== undefined) writeFileSync(parentMade(within(folder, path)), text);
  for (const [path, stat] of stats) if (stat !== undefined) make(parentMade(within(folder, path)), stat);
  for (const [name, output] of outputs) {
    const file = parentMade(join(folder, ".commands", name));
    if ("stdout" in output) writeFileSync(file, output.stdout);
    else if (!output.missing) writeFileSync(`${file}${failedSuffix}`, output.failure);
  }
}

/** A link may have been read by two ways to its folder. */
function makeLink(target: string, file: string): void {
  if (lstatSync(file, { throwIfNoEntry: false }) === undefined) symlinkSync(target, file);
}

function parentMade(file: string): string {
  mkdirSync(dirname(file), { recursive: true });
  return file;
}

function make(file: string, { kind, mode }: Stat): void {
  if (lstatSync(file, { throwIfNoEntry: false }) === undefined) {
    if (kind === "folder") mkdirSync(file);
    else writeFileSync(file, "");
  }
  // Its owner can always read and delete a capture.
  chmodSync(file, mode | (kind === "folder" ? 0o700 : 0o600));
}
