import { readFileSync, readlinkSync } from "node:fs";
import { CniError, ErrorCode } from "../cni/error.ts";
import { namespaceId } from "../linux/namespace-id.ts";
import type { AttachmentRecord } from "./record.ts";
import type { StoreTx } from "./store.ts";

/** What tells a process from a later one of the same number. */
export interface ProcessId {
  readonly pid: number;
  /** "<start time in clock ticks since boot>@<PID namespace>" */
  readonly pidStart: string;
}

/** This process, for the `pid` and `pidStart` of a record. */
export function ownProcess(): ProcessId {
  return { pid: process.pid, pidStart: `${startTime("self") ?? ""}@${pidNamespace()}` };
}

/**
 * Whether a call that names this namespace ("": none) is not about the attachment, which is in another one that lives:
 * so the late DEL of a container id's first use is told from one of its second.
 */
export function isElsewhere({ netns, netnsId }: AttachmentRecord, named: string): boolean {
  if (named === "" || named === netns || netnsId === "") return false;
  try {
    return namespaceId(netns) === netnsId && namespaceId(named) !== netnsId;
  } catch {
    return false;
  }
}

/** Whether an ADD was refused for addresses that pods may hold which are gone: all of a block, or one that it asked for. */
export const isShortage = (error: unknown): boolean =>
  error instanceof CniError &&
  (error.code === ErrorCode.poolExhausted || error.code === ErrorCode.addressTaken);

/** Releases the attachments of a network that `owner` made and whose namespace is gone, and gives them back. */
export function reclaim(tx: StoreTx, network: string, owner: string, now: number): AttachmentRecord[] {
  const gone = tx.attachments(network).filter((record) => record.owner === owner && isNetnsGone(record));
  for (const record of gone) tx.release(record.id, now);
  return gone;
}

/**
 * Whether the attachment's namespace is gone, or another one lies at its path. In doubt it is not: a leaked address can be
 * freed later, one that two pods have cannot be taken back.
 */
export function isNetnsGone({ netns, netnsId }: AttachmentRecord): boolean {
  if (netns === "" || netnsId === "") return false;
  try {
    return namespaceId(netns) !== netnsId;
  } catch {
    return false;
  }
}

/** Field 22 of /proc/<pid>/stat (proc_pid_stat(5)); undefined when there is no such process. */
function startTime(pid: string): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
  // Field 2, the name in parentheses, may hold spaces and parentheses itself.
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
}

function pidNamespace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return "";
  }
}
