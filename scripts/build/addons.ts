import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Architecture, crossToolsFor } from "./architecture.ts";
import { run } from "./command.ts";
import { Missing } from "./progress.ts";
import { buildPath, root } from "./project.ts";

/** Compiles the project's own addons, for every architecture this machine has a compiler for. */
export function compileAddons(): void {
  run(join(root, "scripts/build-native.sh"), [], root);
}

/** Asset name to file, by the names lib/linux/addon.ts asks for. Throws Missing. */
export function addonsFor(architecture: Architecture): ReadonlyMap<string, string> {
  const netns = buildPath("native", `netns-${architecture}.node`);
  const netlink = join(root, `node_modules/netlink/prebuilds/linux-${architecture}/node.napi.node`);
  // Without its compiler, one made from an older source may have been left.
  if (!existsSync(netns) || statSync(netns).mtimeMs < statSync(join(root, "native/netns.c")).mtimeMs) {
    throw new Missing(
      `no compiler for ${architecture}'s addon (Debian package ${crossToolsFor[architecture].compilerPackage})`,
    );
  }
  return new Map([
    ["netns.node", netns],
    ["netlink.node", netlink],
  ]);
}
