import { spawnSync } from "node:child_process";
import { type Netns, openNetns } from "../lib/linux/netns.ts";
import type { CheckOptions } from "./command-line.ts";
import { type Bandwidth, measure } from "./iperf.ts";
import { inParallel } from "./limits.ts";
import type { Probe } from "./plan.ts";
import { progress } from "./progress.ts";

export type Bandwidths = ReadonlyMap<Probe, Bandwidth>;

/** Why iperf3 cannot be used; undefined where it can. */
export function whyNoIperf(): string | undefined {
  for (const program of ["iperf3", "timeout"]) {
    const { error, status } = spawnSync(program, ["--version"], { timeout: 5000, stdio: "ignore" });
    if (error === undefined && status === 0) continue;
    const isMissing = (error as NodeJS.ErrnoException | undefined)?.code === "ENOENT";
    if (isMissing) return `${program} is not installed (Debian package ${packages[program]})`;
    return `${program} --version fails: ${error?.message ?? `exit status ${status}`}`;
  }
  return undefined;
}

const packages: Readonly<Record<string, string>> = { iperf3: "iperf3", timeout: "coreutils" };

/** How one is measured: within `seconds`, or until the signal. */
export type Measure = (probe: Probe, seconds: number, signal: AbortSignal) => Promise<Bandwidth>;

/**
 * Measures what is connected, as many at a time as was asked for: more than one share the machine, and the figures say
 * less. Says on stderr why it measures nothing, and what it had no time for. `what` is measured, for the progress.
 */
export async function bandwidthsOf(
  connected: readonly Probe[],
  what: string,
  { bandwidth, quiet }: Pick<CheckOptions, "bandwidth" | "quiet">,
  signal: AbortSignal,
  measureOne: Measure,
): Promise<Bandwidths> {
  const bandwidths = new Map<Probe, Bandwidth>();
  if (bandwidth === undefined || connected.length === 0 || signal.aborted) return bandwidths;
  const whyNot = whyNoIperf();
  if (whyNot !== undefined) {
    process.stderr.write(`multi-nic-concheck: no bandwidths: ${whyNot}\n`);
    return bandwidths;
  }
  using measuring = progress(what, connected.length, process.stderr, quiet);
  await inParallel(connected, bandwidth.parallel, signal, async (probe) => {
    const measured = await measureOne(probe, bandwidth.seconds, signal);
    if (!signal.aborted) bandwidths.set(probe, measured);
    measuring.tick();
  });
  if (bandwidths.size < connected.length)
    process.stderr.write(
      `multi-nic-concheck: the time was up: ${bandwidths.size} of ${connected.length} bandwidths were measured\n`,
    );
  return bandwidths;
}

/** From within the one pod to within the other. */
export const measureBetween: Measure = async (probe, seconds, signal) => {
  const { source = "", target } = probe;
  try {
    using from: Netns = openNetns(probe.from.netns);
    using to: Netns = openNetns(probe.to.netns);
    return await measure(from, to, { source, target, seconds }, signal);
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) };
  }
};
