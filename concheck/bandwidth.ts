import { spawnSync } from "node:child_process";
import { type Netns, openNetns } from "../lib/linux/netns.ts";
import { type Bandwidth, measure } from "./iperf.ts";
import { inParallel } from "./limits.ts";
import type { Probe } from "./plan.ts";

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

/** Measures what is connected, `parallel` at a time: more than one share the machine, and the figures say less. */
export async function measureAll(
  probes: readonly Probe[],
  { seconds, parallel }: { readonly seconds: number; readonly parallel: number },
  signal: AbortSignal,
  done: () => void,
): Promise<Bandwidths> {
  const bandwidths = new Map<Probe, Bandwidth>();
  await inParallel(probes, parallel, signal, async (probe) => {
    const bandwidth = await measureProbe(probe, seconds, signal);
    if (!signal.aborted) bandwidths.set(probe, bandwidth);
    done();
  });
  return bandwidths;
}

async function measureProbe(probe: Probe, seconds: number, signal: AbortSignal): Promise<Bandwidth> {
  const { source = "", target } = probe;
  try {
    using from: Netns = openNetns(probe.from.netns);
    using to: Netns = openNetns(probe.to.netns);
    return await measure(from, to, { source, target, seconds }, signal);
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) };
  }
}
