/** Prints how long work takes, in ms: the first round, and the median and the 90th percentile of all. */
export async function time(title: string, rounds: number, work: () => unknown): Promise<void> {
  const taken: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    await work();
    taken.push(performance.now() - start);
  }
  const [first = Number.NaN] = taken;
  const sorted = taken.sort((a, b) => a - b);
  const at = (share: number) => (sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN).toFixed(3);
  console.log(
    `${title.padEnd(44)} first ${first.toFixed(3).padStart(8)}  median ${at(0.5).padStart(8)}  p90 ${at(0.9).padStart(8)} ms`,
  );
}
