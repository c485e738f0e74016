import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Architecture } from "./architecture.ts";
import { isOnPath, run } from "./command.ts";
import { Missing } from "./progress.ts";
import { buildPath, packageJson, readJson, root } from "./project.ts";

/** A Node as npm has it, for one architecture. */
export interface NpmNode {
  /** Absolute path of the executable, not stripped. */
  readonly path: string;
  readonly version: string;
  /** The lock file's, of the package it came in. */
  readonly integrity: string;
}

interface LockFile {
  readonly packages: Readonly<Record<string, { readonly version: string; readonly integrity: string }>>;
}

/** The Node of package.json's version: npm ci's where it is for this architecture, else packed by npm into build/. */
export function npmNode(architecture: Architecture): NpmNode {
  const name = `node-linux-${architecture}`;
  const version = packageJson.optionalDependencies[name];
  const locked = readJson<LockFile>("package-lock.json").packages[`node_modules/${name}`];
  if (version === undefined || locked?.version !== version) {
    throw new Error(`package.json and package-lock.json do not agree on ${name}: run npm install`);
  }
  const path = isInstalled(name, version)
    ? join(root, "node_modules", name, "bin/node")
    : unpackedNode(name, version, locked.integrity);
  return { path, version, integrity: locked.integrity };
}

function isInstalled(name: string, version: string): boolean {
  const path = join("node_modules", name, "package.json");
  if (!existsSync(join(root, path))) return false;
  if (readJson<{ readonly version: string }>(path).version === version) return true;
  throw new Error(`node_modules/${name} is not version ${version}: run npm ci`);
}

/** npm refuses to install a package of another architecture, but packs it; the check is then ours to make. */
function unpackedNode(name: string, version: string, integrity: string): string {
  const folder = buildPath("npm");
  const tarball = join(folder, `${name}-${version}.tgz`);
  const unpacked = join(folder, `${name}-${version}`);
  const node = join(unpacked, "package/bin/node");
  mkdirSync(folder, { recursive: true });
  if (!existsSync(tarball)) pack(`${name}@${version}`, folder);
  if (!hasIntegrity(tarball, integrity)) {
    rmSync(tarball);
    throw new Error(`${name}@${version}: not the file of package-lock.json (${integrity}); it was removed`);
  }
  if (!existsSync(node)) {
    const fresh = mkdtempSync(`${unpacked}.`);
    run("tar", ["-xzf", tarball, "-C", fresh, "package/bin/node"]);
    renameSync(fresh, unpacked);
  }
  return node;
}

function pack(spec: string, folder: string): void {
  if (!isOnPath("npm")) throw new Missing(`npm, which fetches ${spec}, is not on PATH`);
  try {
    run("npm", ["pack", "--silent", "--pack-destination", folder, spec], root);
  } catch (error) {
    throw new Missing(
      `npm could not fetch ${spec}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** Whether the file is what a lock file's `sha512-…` says. */
export function hasIntegrity(file: string, integrity: string): boolean {
  return `sha512-${createHash("sha512").update(readFileSync(file)).digest("base64")}` === integrity;
}
