import { createHash } from "node:crypto";
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  statSync,
} from "node:fs";
import { isAbsolute, join } from "node:path";
import type { Output } from "./programs.ts";
import { mostText, type Tree, Unreadable } from "./tree.ts";

/** Links on one way, as the kernel's MAXSYMLINKS. */
const mostLinks = 40;

/** What says that something is not there, or has no value (sysfs: phys_switch_id of a plain NIC). */
const absent = new Set([
  "ENOENT",
  "ENOTDIR",
  "ELOOP",
  "EOPNOTSUPP",
  "ENOTSUP",
  "EINVAL",
  "ENODEV",
  "ENXIO",
  "EIO",
]);

/** The tree of files under `root`, with programs' output from `run`. */
export function openTree(
  root: string,
  run: (program: string, args: readonly string[]) => Promise<Output>,
): Tree {
  const outputs = new Map<string, Promise<Output>>();
  const digests = new Map<string, string>();
  const at = (path: string) => within(root, path);
  return {
    text: (path) => reading(path, () => readText(at(path))),
    list: (path) => reading(path, () => readdirSync(at(path)).sort()) ?? [],
    link: (path) => linkAt(parentWithin(root, path)),
    stat: (path) =>
      reading(path, () => {
        const found = statSync(at(path));
        const kind = found.isFile() ? "file" : found.isDirectory() ? "folder" : "other";
        return { kind, mode: found.mode & 0o7777, ino: found.ino } as const;
      }),
    digest: (path) => reading(path, () => digestOf(at(path), digests)),
    output(program, args) {
      const key = [program, ...args].join(" ");
      const known = outputs.get(key) ?? run(program, args);
      outputs.set(key, known);
      return known;
    },
  };
}

function reading<T>(path: string, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const { code = "unknown error" } = error as NodeJS.ErrnoException;
    if (absent.has(code)) return undefined;
    throw new Unreadable(path, code);
  }
}

/** The file that a path leads to when `root` is taken for "/", as chroot(2) would: a captured tree has absolute links. */
export function within(root: string, path: string): string {
  const done: string[] = [];
  let ahead = partsOf(path);
  for (let links = 0; ahead.length > 0; ) {
    const [part = "", ...rest] = ahead;
    ahead = rest;
    if (part === "..") {
      done.pop();
      continue;
    }
    const target = linkAt(join(root, ...done, part));
    if (target === undefined) {
      done.push(part);
      continue;
    }
    links++;
    if (links > mostLinks) throw Object.assign(new Error("too many links"), { code: "ELOOP" });
    if (isAbsolute(target)) done.length = 0;
    ahead = [...partsOf(target), ...ahead];
  }
  return join(root, ...done);
}

/** The same, less the last part's own link. */
export function parentWithin(root: string, path: string): string {
  const parts = partsOf(path);
  return join(within(root, parts.slice(0, -1).join("/")), parts.at(-1) ?? "");
}

const partsOf = (path: string) => path.split("/").filter((part) => part !== "" && part !== ".");

function linkAt(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined; // EINVAL: no link. What else there is, the reading of it will say.
  }
}

function readText(path: string): string {
  return whole(path, (fd) => {
    const bytes = Buffer.alloc(mostText);
    let length = 0;
    for (let read = -1; read !== 0 && length < mostText; length += read)
      read = readSync(fd, bytes, length, mostText - length, null);
    return bytes.toString("utf8", 0, length);
  });
}

/** Hard links of one file are read once. */
function digestOf(path: string, known: Map<string, string>): string {
  return whole(path, (fd) => {
    const { dev, ino } = fstatSync(fd);
    const key = `${dev}:${ino}`;
    const digest = known.get(key) ?? readDigest(fd);
    known.set(key, digest);
    return digest;
  });
}

function readDigest(fd: number): string {
  const hash = createHash("sha256");
  const bytes = Buffer.alloc(mostText);
  for (let read = readSync(fd, bytes); read !== 0; read = readSync(fd, bytes))
    hash.update(bytes.subarray(0, read));
  return hash.digest("hex");
}

/** Opens only regular files, and never waits: a FIFO in a configuration folder must not hold a check up. */
function whole<T>(path: string, read: (fd: number) => T): T {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!fstatSync(fd).isFile()) throw Object.assign(new Error("not a regular file"), { code: "EINVAL" });
    return read(fd);
  } finally {
    closeSync(fd);
  }
}
