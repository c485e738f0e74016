/**
 * What two looks in a row find the same, `wait` apart: a file that is being written may be a valid one at any moment.
 * Throws what a look throws, or `wait`.
 */
export async function settled<T>(look: () => T, wait: () => Promise<unknown>): Promise<T> {
  let before = look();
  for (;;) {
    await wait();
    const now = look();
    if (now === before) return now;
    before = now;
  }
}
