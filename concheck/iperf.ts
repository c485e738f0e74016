import { setTimeout } from "node:timers/promises";
import type { Netns } from "../lib/linux/netns.ts";
import { start } from "./iperf-process.ts";

/** What was measured by TCP, as the receiver saw it; or why nothing was. */
export type Bandwidth = { readonly bitsPerSecond: number } | { readonly failure: string };

export interface Measurement {
  readonly source: string;
  readonly target: string;
  /** s */
  readonly seconds: number;
}

/** s that starting and ending may take beside the measurement */
const grace = 5;

/** One measurement: a server in one namespace for this client alone, which is in the other. Both have ended afterwards. */
export async function measure(
  from: Netns,
  to: Netns,
  { source, target, seconds }: Measurement,
  signal: AbortSignal,
): Promise<Bandwidth> {
  const limit = seconds + grace;
  const port = String(20_000 + Math.floor(Math.random() * 10_000));
  await using server = start(to, ["-s", "-1", "-B", target, "-p", port, "--forceflush"], limit, signal);
  const isServing = await server.until("Server listening");
  if (!isServing) return { failure: `iperf3 -s: ${server.complaint()}` };
  return await measureOnce(from, { source, target, seconds }, port, signal);
}

/** The same with a server that is there already, and serves one client at a time: asked until it is this one's turn. */
export async function measureFrom(
  from: Netns,
  measurement: Measurement,
  port: number,
  signal: AbortSignal,
): Promise<Bandwidth> {
  for (;;) {
    const measured = await measureOnce(from, measurement, String(port), signal);
    const isBusy = "failure" in measured && measured.failure.includes("busy");
    if (!isBusy || signal.aborted) return measured;
    // Not in step with others that wait.
    await setTimeout(200 + Math.random() * 800);
  }
}

async function measureOnce(
  from: Netns,
  { source, target, seconds }: Measurement,
  port: string,
  signal: AbortSignal,
): Promise<Bandwidth> {
  const args = ["-J", "-c", target, "-B", source, "-p", port, "-t", String(seconds)];
  await using client = start(from, [...args, "--connect-timeout", "2000"], seconds + grace, signal);
  await client.ended;
  return bandwidthIn(client.output(), client.complaint());
}

/** iperf3's answer; with -J its errors are in there, too. */
export function bandwidthIn(output: string, complaint: string): Bandwidth {
  try {
    const { end, error } = JSON.parse(output);
    const bitsPerSecond = end?.sum_received?.bits_per_second;
    if (typeof bitsPerSecond === "number") return { bitsPerSecond };
    return { failure: `iperf3: ${error ?? "it measured nothing"}` };
  } catch {
    return { failure: `iperf3: ${complaint}` };
  }
}
