import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";

/** ms in which a neighbour is not given up for a new one (net/core/neighbour.c, neigh_forced_gc: 5 s), and some more */
const youth = 6000;
/** gc_thresh3 where it cannot be read: the kernel shows it in its first network namespace only */
const usual = 1024;

/**
 * When the next probe may start. The neighbours of all namespaces of a machine share one table: where many pods meet, it
 * would be full of new ones, and the kernel would drop packets of probes that are well.
 */
export function neighbourPace(probes: number, most = mostNeighbours()): () => Promise<void> {
  const room = (most * 3) / 4;
  if (probes <= room) return async () => {};
  const started = performance.now();
  let begun = 0;
  return async () => {
    const due = started + (begun++ * youth) / room;
    const early = due - performance.now();
    if (early > 0) await setTimeout(early);
  };
}

function mostNeighbours(): number {
  try {
    return Number(readFileSync("/proc/sys/net/ipv4/neigh/default/gc_thresh3", "utf8")) || usual;
  } catch {
    return usual;
  }
}
