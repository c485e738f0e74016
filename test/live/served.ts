import { existsSync, readFileSync } from "node:fs";
import type { Daemon } from "./daemon.ts";

/** What a busy machine may make of a call: its client did not wait longer. */
const expected = new Set(["it left"]);

/** Those that have a thin client. */
const plugins = new Set(["multi-nic", "multi-nic-ipam"]);

interface Line {
  readonly pid?: number;
  readonly plugin?: string;
  readonly reason?: string;
}

const linesOf = (file: string): Line[] =>
  existsSync(file)
    ? readFileSync(file, "utf8")
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Line)
    : [];

/**
 * What is wrong with how a node's calls were served, by its log: that others than its daemon served them for no good
 * reason. A test that takes the socket away means it.
 */
export function strayCalls(daemon: Daemon, logFile: string): string | undefined {
  if (!existsSync(daemon.socket)) return undefined;
  const calls = linesOf(logFile).filter(({ plugin = "" }) => plugins.has(plugin));
  const strays = new Set(calls.map(({ pid }) => pid).filter((pid) => pid !== daemon.process.pid)).size;
  const reasons = linesOf(daemon.log).flatMap(({ reason }) => reason ?? []);
  const strange = reasons.filter((reason) => !expected.has(reason));
  if (strange.length > 0) return `multi-nicd declined calls: ${strange.join(", ")}`;
  if (strays > reasons.length)
    return `${strays} calls were not served by multi-nicd, which declined ${reasons.length}`;
  const isIdle = strays > 0 && !calls.some(({ pid }) => pid === daemon.process.pid);
  return isIdle ? "multi-nicd served none of the calls" : undefined;
}
