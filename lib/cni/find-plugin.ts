import { statSync } from "node:fs";
import { join } from "node:path";
import { CniError, ErrorCode } from "./error.ts";

/**
 * The first regular file of that name in the folders. Code 7 for a type that could lead out of them, 102 where there
 * is no such file.
 */
export function findPlugin(type: string, folders: readonly string[]): string {
  if (!isPlainName(type)) {
    throw new CniError(
      ErrorCode.invalidConfig,
      `type: ${JSON.stringify(type)} is not the name of a plugin; give the name of a file in CNI_PATH, with no folder`,
    );
  }
  const file = folders.map((folder) => join(folder, type)).find(isRegularFile);
  if (file !== undefined) return file;
  const where = folders.length === 0 ? "CNI_PATH, which is empty" : folders.join(":");
  throw new CniError(
    ErrorCode.delegate,
    `type: no plugin "${type}" in ${where}; install it there, or name one that is installed`,
  );
}

/** Whether it would find one. */
export const isInstalled = (type: string, folders: readonly string[]): boolean =>
  isPlainName(type) && folders.some((folder) => isRegularFile(join(folder, type)));

function isPlainName(type: string): boolean {
  return type !== "" && type !== "." && type !== ".." && !type.includes("/") && !type.includes("\0");
}

function isRegularFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false; // missing, or not to be looked into: the next folder may have it
  }
}
