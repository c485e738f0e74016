import { CniError, ErrorCode } from "../cni/error.ts";
import { fileId } from "./file-id.ts";

/**
 * What identifies the namespace at a path, "dev:ino" (ioctl_ns(2)); undefined where nothing is there.
 * @throws CniError invalidEnvironment where it cannot be told
 */
export function namespaceId(path: string): string | undefined {
  try {
    return fileId(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new CniError(
      ErrorCode.invalidEnvironment,
      `CNI_NETNS: ${JSON.stringify(path)} cannot be looked at (${code}); give the path of a namespace that root can open`,
      { cause },
    );
  }
}

/** Whether a path is the network namespace that this process is in; false where it is missing. */
export function isOwnNetns(path: string): boolean {
  const theirs = namespaceId(path);
  return theirs !== undefined && theirs === namespaceId("/proc/self/ns/net");
}
