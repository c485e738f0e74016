import type { Output } from "./programs.ts";

export interface Stat {
  readonly kind: "file" | "folder" | "other";
  /** The permission bits, such as 0o755 */
  readonly mode: number;
  readonly ino: number;
}

/** Bytes of a file that are read: hardly any that a check knows comes near it. */
export const mostText = 1024 * 1024;

/**
 * What a check may look at, and never write: a machine's files under a root, and what programs say of it. Paths are
 * absolute, as on the machine; symbolic links lead within the root. What is not there is undefined, or an empty
 * list. Throws Unreadable for what is there and may not be read.
 */
export interface Tree {
  /** At most mostText bytes of a regular file. */
  text(path: string): string | undefined;
  /** Names in a folder, sorted. */
  list(path: string): readonly string[];
  /** What a symbolic link holds. */
  link(path: string): string | undefined;
  /** Of what a link leads to. */
  stat(path: string): Stat | undefined;
  /** sha256 of a regular file of any size, in hex. */
  digest(path: string): string | undefined;
  /** What a program prints. It is run once, however often it is asked for. */
  output(program: string, args: readonly string[]): Promise<Output>;
}

/** Something that is there and may not be read: `code` is the errno's name. */
export class Unreadable extends Error {
  override readonly name = "Unreadable";
  readonly path: string;
  readonly code: string;

  constructor(path: string, code: string) {
    super(`${path} cannot be read (${code})`);
    this.path = path;
    this.code = code;
  }
}

/** A file's text less white space around it, as sysfs has one value a file; undefined where there is none. */
export function readValue(tree: Tree, path: string): string | undefined {
  return tree.text(path)?.trim();
}

/** A file's whole number, or undefined. */
export function numberOf(tree: Tree, path: string): number | undefined {
  const value = readValue(tree, path);
  return value !== undefined && /^-?\d{1,15}$/.test(value) ? Number(value) : undefined;
}
