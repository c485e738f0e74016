import { readFileSync } from "node:fs";
import { UsageError } from "../../lib/cli/arguments.ts";
import { printable } from "../../lib/cli/table.ts";
import type { Command } from "../command-line.ts";
import { runProgram } from "../programs.ts";
import type { Served } from "../serve.ts";
import { type Explanation, explain } from "./explain.ts";
import { latestEvent, type Run } from "./pod-events.ts";

type Asked = Extract<Command, { verb: "explain" }>;

/** "web" or "default/web"; an event's text has blanks. */
const podName = /^(?:([a-z0-9][a-z0-9-]{0,62})\/)?([a-z0-9][a-z0-9.-]{0,252})$/;

/** Explains a pod's latest event, or a text. Exit code 0 where the message is known, else 1; 2 where there is no event. */
export async function serveExplain(asked: Asked, version: string, run: Run = runProgram): Promise<Served> {
  const found = await textFor(asked, run);
  if ("failure" in found) return { stdout: "", stderr: `multi-nic-doctor: ${found.failure}\n`, exitCode: 2 };
  const explained = explain(found.text);
  const exitCode = explained.id === undefined ? 1 : 0;
  const stdout = asked.json
    ? `${JSON.stringify({ doctor: version, ...explained, exitCode }, null, 2)}\n`
    : textOf(explained);
  return { stdout, stderr: "", exitCode };
}

async function textFor({ subject, namespace }: Asked, run: Run) {
  const pod = podName.exec(subject ?? "");
  if (pod !== null) return await latestEvent(run, pod[1] ?? namespace ?? "default", pod[2] ?? "");
  const text = subject ?? readFileSync(0, "utf8");
  if (text.trim() === "") throw new UsageError("explain: give the event's text, or a pod's name");
  return { text };
}

const menders = {
  pod: "in the pod",
  network: "in the network, not the pod",
  node: "on the node, not in the pod",
  nobody: "by itself",
} as const;

function textOf({ plugin, network, pod, said, why, mender, change }: Explanation): string {
  const who = [
    plugin ?? "not by a plugin, or by one that the text does not name",
    ...(network === undefined ? [] : [`network ${network}`]),
    ...(pod === undefined ? [] : [`pod ${pod}`]),
  ];
  const lines = [
    ["refused by", who.join(", ")],
    ["it said", said],
    ["why", why],
    ["to mend it", `${mender === undefined ? "" : `${menders[mender]}: `}${change}`],
  ];
  return lines.map(([name, text]) => `${name?.padEnd(12)}${printable(text ?? "")}\n`).join("");
}
