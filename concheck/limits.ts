/** What a check may take. Times are in ms. */
export interface Limits {
  /** For the answer to one probe */
  readonly timeout: number;
  /** For all of it */
  readonly maxTime: number;
  /** Probes at a time */
  readonly parallel: number;
}

/** Works on all items, at most `parallel` at a time, until the signal: what has not begun by then is left out. */
export async function inParallel<T>(
  items: readonly T[],
  parallel: number,
  signal: AbortSignal,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const left = items.values();
  const worker = async () => {
    for (const item of left) {
      if (signal.aborted) return;
      await work(item);
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallel, items.length) }, worker));
}
