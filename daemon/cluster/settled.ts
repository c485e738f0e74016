/**
 * What two looks in a row find the same, `wait` apart: a file that is being written may be a valid one at any moment.
 * `first` is what a look has found just now. Throws what a look throws, or `wait`.
 */
export async function settled<T>(first: T, look: () => T, wait: () => Promise<unknown>): Promise<T> {
  let before = first;
  for (;;) {
    await wait();
    const now = look();
    if (now === before) return now;
    before = now;
  }
}
