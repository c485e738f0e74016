import { listAt, textAt } from "../manifest/manifest.ts";
import type { Output } from "../programs.ts";

/** Runs a program to its end. */
export type Run = (program: string, args: readonly string[]) => Promise<Output>;

/** Events that say why a pod does not start, or does not end. */
const reasons = ["FailedCreatePodSandBox", "FailedKillPod", "NetworkNotReady", "FailedScheduling"];

/** The latest event of a pod that says why it does not start or end, by kubectl; `failure` says why there is none. */
export async function latestEvent(
  run: Run,
  namespace: string,
  name: string,
): Promise<{ readonly text: string } | { readonly failure: string }> {
  const selector = `involvedObject.kind=Pod,involvedObject.name=${name}`;
  const args = [
    "get",
    "events",
    "--request-timeout=4s",
    "-n",
    namespace,
    "--field-selector",
    selector,
    "-o",
    "json",
  ];
  const output = await run("kubectl", args);
  if ("failure" in output) return output;
  const events = listAt(JSON.parse(output.stdout), "items")
    .filter((event) => reasons.includes(textAt(event, "reason") ?? ""))
    .sort((a, b) => timeOf(a).localeCompare(timeOf(b)));
  const text = textAt(events.at(-1), "message");
  if (text !== undefined) return { text };
  return {
    failure: `pod ${namespace}/${name} has no event of ${reasons.join(", ")}; events are kept for an hour`,
  };
}

/** RFC 3339, which sorts as text. */
const timeOf = (event: unknown) =>
  textAt(event, "series", "lastObservedTime") ??
  textAt(event, "lastTimestamp") ??
  textAt(event, "eventTime") ??
  textAt(event, "metadata", "creationTimestamp") ??
  "";
