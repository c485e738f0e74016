import { type Bandwidths, measureAll, whyNoIperf } from "./bandwidth.ts";
import type { CheckOptions } from "./command-line.ts";
import { planProbes } from "./plan.ts";
import type { Network } from "./pod.ts";
import { progress } from "./progress.ts";
import { isConnected, reachAll } from "./reach.ts";
import type { Checked } from "./report.ts";

/** Checks a network: first who reaches whom, then the bandwidth of what answered. */
export async function checkNetwork(
  network: Network,
  options: CheckOptions,
  signal: AbortSignal,
): Promise<Checked> {
  const { pods, name } = network;
  const probes = planProbes(pods);
  using reaching = progress(`${name}: probes`, probes.length, process.stderr, options.quiet);
  const results = await reachAll(pods, probes, options, signal, reaching.tick);
  const connected = probes.filter((probe) => isConnected(results.get(probe)));
  return { network, probes, results, bandwidths: await bandwidthsOf(connected, name, options, signal) };
}

async function bandwidthsOf(
  connected: Checked["probes"],
  name: string,
  { bandwidth, quiet }: CheckOptions,
  signal: AbortSignal,
): Promise<Bandwidths> {
  if (bandwidth === undefined || connected.length === 0 || signal.aborted) return new Map();
  const whyNot = whyNoIperf();
  if (whyNot !== undefined) {
    process.stderr.write(`multi-nic-concheck: no bandwidths: ${whyNot}\n`);
    return new Map();
  }
  using measuring = progress(`${name}: bandwidths`, connected.length, process.stderr, quiet);
  const measured = await measureAll(connected, bandwidth, signal, measuring.tick);
  if (measured.size < connected.length)
    process.stderr.write(
      `multi-nic-concheck: the time was up: ${measured.size} of ${connected.length} bandwidths were measured\n`,
    );
  return measured;
}
