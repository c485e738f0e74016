import { statSync } from "node:fs";

/** What identifies the file at a path while it is there, "dev:ino"; undefined where none is. Throws what stat(2) says. */
export function fileId(path: string): string | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? undefined : `${found.dev}:${found.ino}`;
}
