import { CniError, ErrorCode } from "./error.ts";
import type { Command } from "./invocation.ts";

/** The versions of the specification that configurations may name, oldest first. */
export const supportedVersions = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"] as const;
export const newestVersion = "1.1.0";
/** What a configuration without a cniVersion means (libcni, version.ConfigDecoder). */
export const versionOfNone = "0.1.0";

/** The first version of the specification that has the verb; the others are in all of them. */
const verbsSince: Partial<Record<Command, string>> = { CHECK: "0.4.0", GC: "1.1.0", STATUS: "1.1.0" };

export function isSupported(version: string): boolean {
  return (supportedVersions as readonly string[]).includes(version);
}

/** Negative, 0 or positive as `a` is older than, the same as, or newer than `b`. Throws a RangeError on what is no a.b.c. */
export function compareVersions(a: string, b: string): number {
  const left = partsOf(a);
  const right = partsOf(b);
  for (const [i, part] of left.entries()) {
    const difference = part - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function partsOf(version: string): number[] {
  if (!/^\d{1,9}(\.\d{1,9}){0,2}$/.test(version))
    throw new RangeError(`"${version}" is not a version like 1.0.0`);
  const parts = version.split(".").map(Number);
  return [parts[0] ?? 0, parts[1] ?? 0, parts[2] ?? 0];
}

/** Code 1 where the configuration's version has no such verb, 6 where it is no version at all. */
export function checkVerbVersion(command: Command, version: string): void {
  const since = verbsSince[command];
  if (since === undefined) return;
  if (isOlder(version, since)) {
    throw new CniError(ErrorCode.incompatibleVersion, `config version does not allow ${command}`, {
      details: `config is "${version}", ${command} needs cniVersion ${since} or newer`,
    });
  }
}

function isOlder(version: string, since: string): boolean {
  try {
    return compareVersions(version, since) < 0;
  } catch (cause) {
    throw new CniError(ErrorCode.decode, `cniVersion: ${(cause as Error).message}`, { cause });
  }
}

/** Code 1 where the version is none of ours. */
export function checkSupported(version: string): void {
  if (isSupported(version)) return;
  const list = supportedVersions.map((v) => `"${v}"`).join(" ");
  throw new CniError(ErrorCode.incompatibleVersion, "incompatible CNI versions", {
    details: `config is "${version}", plugin supports [${list}]`,
  });
}
