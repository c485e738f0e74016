/** Into how many pieces a patience falls: more than the turns of the event loop that a TCP probe takes. */
const pieces = 10;

/**
 * Calls once, after `ms` in which this process could have seen an answer. However long it is kept from running, and
 * then finds its timer due before it reads what came meanwhile, that counts as one piece in ten.
 */
export function afterPatience(ms: number, giveUp: () => void): Disposable {
  let left = pieces;
  const timer = setInterval(() => {
    if (--left > 0) return;
    clearInterval(timer);
    giveUp();
  }, ms / pieces);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
