import { fileId } from "./file-id.ts";

/**
 * What identifies the namespace at a path, "dev:ino" (ioctl_ns(2)); undefined where nothing is there. Throws where it
 * cannot be told.
 */
export const namespaceId = (path: string): string | undefined => fileId(path);

/** Whether a path is the network namespace that this process is in; false where it is missing. */
export function isOwnNetns(path: string): boolean {
  const theirs = namespaceId(path);
  return theirs !== undefined && theirs === namespaceId("/proc/self/ns/net");
}
