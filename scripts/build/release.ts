import { createHash } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The CNI plugins, each a name of the executable (plugins/main.ts dispatches on it). */
export const plugins = ["infra-dpu-cni", "multi-nic", "multi-nic-ipam"] as const;
/** All its names: the plugins', and that of the command for those who run a node. */
export const names = [...plugins, "multi-nic-doctor"] as const;

/** Where the executable is made: in the folder it is released in, so that it can be linked. */
export function unreleased(folder: string): string {
  return join(folder, ".new");
}

/** Gives the executable its names, as hard links, and writes SHA256SUMS. Executables in use are replaced, not changed. */
export function release(folder: string): void {
  const made = unreleased(folder);
  mkdirSync(folder, { recursive: true });
  for (const name of names) {
    const fresh = join(folder, `.${name}`);
    rmSync(fresh, { force: true });
    linkSync(made, fresh);
    renameSync(fresh, join(folder, name));
    // rename(2) leaves both names where they were one file already.
    rmSync(fresh, { force: true });
  }
  const sum = createHash("sha256").update(readFileSync(made)).digest("hex");
  rmSync(made);
  writeFileSync(join(folder, "SHA256SUMS"), names.map((name) => `${sum}  ${name}\n`).join(""));
}
