import { statSync } from "node:fs";

/**
 * What identifies the namespace at a path, "dev:ino" (ioctl_ns(2)); undefined where nothing is there. Throws where it
 * cannot be told.
 */
export function namespaceId(path: string): string | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? undefined : `${found.dev}:${found.ino}`;
}

/** Whether a path is the network namespace that this process is in; false where it is missing. */
export function isOwnNetns(path: string): boolean {
  const theirs = namespaceId(path);
  return theirs !== undefined && theirs === namespaceId("/proc/self/ns/net");
}
