import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Architecture, crossToolsFor } from "./architecture.ts";
import { run } from "./command.ts";
import { Missing } from "./progress.ts";
import { buildPath, root } from "./project.ts";

/** Compiles the addons and the thin client, for every architecture this machine has a compiler for. */
export function compileNative(): void {
  run(join(root, "scripts/build-native.sh"), [], root);
}

/** Asset name to file, by the names lib/linux/addon.ts asks for. Throws Missing. */
export function addonsFor(architecture: Architecture): ReadonlyMap<string, string> {
  return new Map([
    ["netns.node", compiled(`netns-${architecture}.node`, ["native/netns.c", "native/lock.h"], architecture)],
    ["netlink.node", join(root, `node_modules/netlink/prebuilds/linux-${architecture}/node.napi.node`)],
  ]);
}

/** The thin client's file. Throws Missing. */
export function clientFor(architecture: Architecture): string {
  return compiled(`client-${architecture}`, ["native/client/client.c"], architecture);
}

/** Without its compiler, one made from an older source may have been left. */
function compiled(name: string, sources: readonly string[], architecture: Architecture): string {
  const file = buildPath("native", name);
  const isNewer = (source: string) => statSync(file).mtimeMs >= statSync(join(root, source)).mtimeMs;
  if (existsSync(file) && sources.every(isNewer)) return file;
  const { compilerPackage } = crossToolsFor[architecture];
  throw new Missing(`no compiler for ${architecture}'s native code (Debian package ${compilerPackage})`);
}
