/**
 * Starts jobs one after the other, with a look at the sockets between any two: a call that comes meanwhile is taken at
 * once, though those before it have a millisecond of work each. At most `most` are at work at a time.
 */
export function makeTurns(most: number): (job: () => Promise<void>) => void {
  const waiting: (() => Promise<void>)[] = [];
  let atWork = 0;
  let isPumping = false;
  const pump = () => {
    isPumping = false;
    const job = atWork < most ? waiting.shift() : undefined;
    if (job === undefined) return;
    atWork++;
    job().finally(() => {
      atWork--;
      schedule();
    });
    schedule();
  };
  const schedule = () => {
    if (isPumping || waiting.length === 0) return;
    isPumping = true;
    setImmediate(pump);
  };
  return (job) => {
    waiting.push(job);
    schedule();
  };
}
