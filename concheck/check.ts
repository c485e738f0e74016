import { bandwidthsOf, measureBetween } from "./bandwidth.ts";
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
  const what = `${name}: bandwidths`;
  const bandwidths = await bandwidthsOf(connected, what, options, signal, measureBetween);
  return { network, probes, results, bandwidths };
}
