import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { run } from "./command.ts";
import { root } from "./project.ts";

/** The CNI plugins, each a name of the executable (plugins/main.ts dispatches on it). */
export const plugins = ["infra-dpu-cni", "multi-nic", "multi-nic-ipam"] as const;

/** The names of the executable itself. A node of infra-dpu-cni needs it under that name alone: it serves no pods. */
export const standaloneNames = [
  "multi-nic-cni",
  "infra-dpu-cni",
  "multi-nic-concheck",
  "multi-nic-doctor",
  "multi-nicd",
] as const;

/** The plugins that multi-nicd serves: the thin client (native/client), which needs multi-nic-cni beside it. */
export const clientNames = ["multi-nic", "multi-nic-ipam"] as const;

/** What installs them on a node: scripts/install.sh in one file. */
export const installer = "install.sh";

/** All that a release holds, beside SHA256SUMS. */
export const names = [...standaloneNames, ...clientNames, installer] as const;

/** Where the executable is made: in the folder it is released in, so that it can be linked. */
export function unreleased(folder: string): string {
  return join(folder, ".new");
}

/**
 * Gives the executable and the thin client, a file's path, their names, as hard links, puts the installer beside them,
 * and writes SHA256SUMS. What is in use is replaced, not changed.
 */
export function release(folder: string, client: string): void {
  const made = unreleased(folder);
  const madeClient = join(folder, ".client");
  mkdirSync(folder, { recursive: true });
  copyFileSync(client, madeClient);
  chmodSync(madeClient, 0o755);
  const madeInstaller = join(folder, ".installer");
  writeFileSync(madeInstaller, `${run(join(root, "scripts/bundle-install.sh"), [])}\n`, { mode: 0o755 });
  const sums = [
    ...place(folder, made, standaloneNames),
    ...place(folder, madeClient, clientNames),
    ...place(folder, madeInstaller, [installer]),
  ];
  writeFileSync(join(folder, "SHA256SUMS"), sums.join(""));
}

/** The lines of SHA256SUMS for a file's names; the file is there under these only. */
function place(folder: string, made: string, all: readonly string[]): string[] {
  for (const name of all) {
    const fresh = join(folder, `.${name}`);
    rmSync(fresh, { force: true });
    linkSync(made, fresh);
    renameSync(fresh, join(folder, name));
    // rename(2) leaves both names where they were one file already.
    rmSync(fresh, { force: true });
  }
  const sum = createHash("sha256").update(readFileSync(made)).digest("hex");
  rmSync(made);
  return all.map((name) => `${sum}  ${name}\n`);
}
