import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";

/**
 * ms in which a neighbour is not given up for another: one that is reachable has a timer, for up to 1.5 times
 * base_reachable_time of 30 s (net/core/neighbour.c, neigh_forced_gc, neigh_rand_reach_time), and some more
 */
const youth = 50_000;
/** gc_thresh3 where it cannot be read: the kernel shows it in its first network namespace only */
const usual = 1024;

export interface Pace {
  /** Resolves when the next probe may start */
  readonly next: () => Promise<void>;
  /** Why it takes time; undefined: it takes none */
  readonly why: string | undefined;
}

/**
 * The neighbours of all namespaces of a machine share one table: where many pods meet it would be full, and the kernel
 * would drop packets of probes between pods that are well. Half of it is left to others.
 */
export function neighbourPace(probes: number, most = mostNeighbours()): Pace {
  const room = most / 2;
  if (probes <= room) return { next: async () => {}, why: undefined };
  const started = performance.now();
  let begun = 0;
  return {
    async next() {
      const due = started + (begun++ * youth) / room;
      const early = due - performance.now();
      if (early > 0) await setTimeout(early);
    },
    why: `${probes} probes take ${Math.ceil((probes * youth) / room / 1000)} s: the kernel keeps ${most} neighbours for all pods together; with sysctl -w net.ipv4.neigh.default.gc_thresh3=${2 * probes} (and as much for net.ipv6) they take no time`,
  };
}

function mostNeighbours(): number {
  try {
    return Number(readFileSync("/proc/sys/net/ipv4/neigh/default/gc_thresh3", "utf8")) || usual;
  } catch {
    return usual;
  }
}
