import { readFileSync, writeFileSync } from "node:fs";
import type { Netns } from "./netns.ts";

/** A sysctl that could not be read or written: it is not there (ENOENT), or refused the value (EINVAL). */
export class SysctlError extends Error {
  override readonly name = "SysctlError";
  readonly key: string;
  readonly code: string;

  constructor(action: string, key: string, cause: unknown) {
    const code = (cause as NodeJS.ErrnoException).code ?? "unknown";
    super(`${action} sysctl ${key}: ${code}`, { cause });
    this.key = key;
    this.code = code;
  }
}

/** Writes a sysctl of the namespace: key "net/ipv6/conf/net1-0/disable_ipv6". Throws SysctlError, RangeError. */
export function writeSysctl(netns: Netns, key: string, value: string): void {
  const file = fileOf(key);
  netns.run(() => {
    try {
      writeFileSync(file, value, { flag: "r+" });
    } catch (error) {
      throw new SysctlError(`write "${value}" to`, key, error);
    }
  });
}

/** Reads a sysctl of the namespace, without its newline. Throws SysctlError, RangeError. */
export function readSysctl(netns: Netns, key: string): string {
  const file = fileOf(key);
  return netns.run(() => {
    try {
      return readFileSync(file, "utf8").trimEnd();
    } catch (error) {
      throw new SysctlError("read", key, error);
    }
  });
}

// With slashes, since interface names may hold dots; below net, which is all that is a namespace's own.
function fileOf(key: string): string {
  const parts = key.split("/");
  const unsafe = parts.some((part) => part === "" || part === "." || part === ".." || part.includes("\0"));
  if (unsafe || parts.length < 2 || parts[0] !== "net")
    throw new RangeError(`"${key}" is not a sysctl of a network namespace, as net/ipv4/ip_forward is`);
  return `/proc/sys/${key}`;
}
