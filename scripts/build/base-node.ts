import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { type Architecture, crossToolsFor, ownArchitecture } from "./architecture.ts";
import { isOnPath, run } from "./command.ts";
import { npmNode } from "./npm-node.ts";
import { note } from "./progress.ts";
import { buildPath } from "./project.ts";

/** The Node that executables are made from. */
export interface BaseNode {
  /** Absolute path of the executable, stripped where the machine can. */
  readonly path: string;
  readonly version: string;
}

/** HOME for @yao-pkg/pkg, which looks for its base Node in there and nowhere else. */
export const pkgHome = buildPath("home");

/**
 * Lays Node out the way pkg keeps its downloads, marked as verified, so that it downloads nothing
 * (getNodejsExecutable in pkg's lib-es5/sea.js). One that is there already is not stripped again.
 */
export function baseNode(architecture: Architecture): BaseNode {
  const node = npmNode(architecture);
  const strip = stripFor(architecture);
  const name = `node-v${node.version}-linux-${architecture}`;
  const cache = join(pkgHome, ".pkg-cache/sea");
  const path = join(cache, name, "bin/node");
  // pkg asks only whether the mark exists; what it says is for us.
  const mark = `${path}.ok`;
  const made = `${node.integrity} ${strip ?? "not stripped"}\n`;
  if (existsSync(path) && existsSync(mark) && readFileSync(mark, "utf8") === made) {
    return { path, version: node.version };
  }
  mkdirSync(dirname(path), { recursive: true });
  const fresh = `${path}.${process.pid}`;
  if (strip === undefined) copyFileSync(node.path, fresh);
  else run(strip, ["-o", fresh, node.path]);
  chmodSync(fresh, 0o755);
  renameSync(fresh, path);
  for (const empty of [`${name}.tar.gz`, `${name}.tar.gz.ok`]) writeFileSync(join(cache, empty), "");
  writeFileSync(mark, made);
  return { path, version: node.version };
}

function stripFor(architecture: Architecture): string | undefined {
  const own = architecture === ownArchitecture();
  const cross = crossToolsFor[architecture];
  const strip = own ? "strip" : cross.strip;
  if (isOnPath(strip)) return strip;
  const debianPackage = own ? "binutils" : cross.stripPackage;
  note(`${architecture} is 18 MB larger than it need be: no ${strip} (Debian package ${debianPackage})`);
  return undefined;
}
