import { listAt, textAt } from "../manifest/manifest.ts";
import type { Output } from "../programs.ts";

/** Runs a program to its end. */
export type Run = (program: string, args: readonly string[]) => Promise<Output>;

/** Events that say why a pod does not start, or does not end. */
const reasons = ["FailedCreatePodSandBox", "FailedKillPod", "NetworkNotReady", "FailedScheduling"];

/** The latest event of a pod that says why it does not start or end, by kubectl or else oc; `failure` says why there is none. */
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
  const output = await runFirst(run, ["kubectl", "oc"], args);
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

/** Asks the first of some programs that is there; nodes and administrators of OpenShift may have oc alone. */
async function runFirst(run: Run, programs: readonly string[], args: readonly string[]): Promise<Output> {
  for (const program of programs) {
    const output = await run(program, args);
    if ("stdout" in output || !output.missing) return output;
  }
  const failure = `neither ${programs.join(" nor ")} is installed: run this where one of them is, or give the event's text`;
  return { failure, missing: true };
}

/** RFC 3339, which sorts as text. */
const timeOf = (event: unknown) =>
  textAt(event, "series", "lastObservedTime") ??
  textAt(event, "lastTimestamp") ??
  textAt(event, "eventTime") ??
  textAt(event, "metadata", "creationTimestamp") ??
  "";
