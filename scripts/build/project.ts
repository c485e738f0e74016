import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Absolute path of the project's folder. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Absolute path of something in build/, which holds all that can be made again. */
export function buildPath(...parts: readonly string[]): string {
  return join(root, "build", ...parts);
}

/** Absolute path of something that only this build uses, so that two at a time do not meet; main.ts removes it. */
export function workPath(...parts: readonly string[]): string {
  return buildPath(`work-${process.pid}`, ...parts);
}

/** A JSON file of the project, by its path from the project's folder. */
export function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(join(root, path), "utf8")) as T;
}

interface PackageJson {
  readonly version: string;
  readonly optionalDependencies: Readonly<Record<string, string>>;
}

export const packageJson: PackageJson = readJson("package.json");
