import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Architecture, crossToolsFor, ownArchitecture } from "./architecture.ts";
import type { BaseNode } from "./base-node.ts";
import type { Script } from "./bundle.ts";
import { isOnPath, run } from "./command.ts";
import { v8Flags } from "./exec-argv.ts";
import { note } from "./progress.ts";
import { root, workPath } from "./project.ts";
import { rehearse } from "./rehearsal.ts";

/** Name of a script to the file of its code cache. */
export type CodeCaches = ReadonlyMap<string, string>;

/**
 * Compiles the scripts with the Node that will run them, through QEMU where it is not this machine's: the cache is
 * its architecture's, version's and V8 flags' own. What a rehearsal ran is in it, and all of a script that came up in
 * none. undefined where the machine cannot, which is noted.
 */
export function codeCaches(
  architecture: Architecture,
  base: BaseNode,
  scripts: readonly Script[],
  addons: ReadonlyMap<string, string>,
): CodeCaches | undefined {
  const runner = runnerFor(architecture);
  if (runner === undefined) return undefined;
  const [program = base.path, ...before] = [...runner, base.path, ...v8Flags];
  const caches = new Map(scripts.map(({ name, path }) => [name, `${path}-${architecture}.cache`]));
  const files = scripts.flatMap(({ name, path }) => [path, caches.get(name) ?? ""]);
  const netnsAddon = addons.get("netns.node") ?? "";
  rehearse({ command: [program, ...before], netnsAddon, state: workPath(`state-${architecture}`) }, files);
  const compile = join(root, "scripts/build/compile.mjs");
  for (const action of ["make", "check"]) run(program, [...before, compile, action, ...files]);
  return caches;
}

/** What to put before a command of that architecture: nothing, or QEMU. */
function runnerFor(architecture: Architecture): readonly string[] | undefined {
  if (architecture === ownArchitecture()) return [];
  const { qemu, sysroot, emulationPackages } = crossToolsFor[architecture];
  const libstdcxx = join(sysroot, "lib/libstdc++.so.6");
  if (isOnPath(qemu) && existsSync(libstdcxx)) return [qemu, "-L", sysroot];
  const lacking = isOnPath(qemu) ? libstdcxx : qemu;
  note(
    `${architecture} is built without a code cache (each call takes longer): no ${lacking} (${emulationPackages})`,
  );
  return undefined;
}
