import { existsSync, readFileSync } from "node:fs";
import type { Node } from "../node.ts";

/** A call of one of our plugins, as its log has it. */
export interface LoggedCall {
  readonly plugin: string;
  readonly command: string;
  readonly network: string;
  readonly containerId: string;
  /** CNI_NETNS */
  readonly netns: string;
  /** "done" or "failed" */
  readonly message: string;
}

/** The calls since the log was at `from`, in the order in which they ended. */
export function callsOf({ logFile }: Node, from = 0): readonly LoggedCall[] {
  if (!existsSync(logFile)) return [];
  const lines = readFileSync(logFile, "utf8").split("\n").filter(Boolean).slice(from);
  const all = lines.map((line) => JSON.parse(line) as LoggedCall);
  return all.filter(({ message }) => message === "done" || message === "failed");
}
