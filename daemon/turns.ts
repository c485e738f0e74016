/** What a job may ask for while it has its turn. */
export interface Turn {
  /** Waits for what others do: another job may have this one's turn so long. */
  aside<T>(wait: () => Promise<T>): Promise<T>;
}

export interface Turns {
  /** Starts a job when its turn comes. */
  take(job: (turn: Turn) => Promise<void>): void;
  /** Why no job should be taken on now: it would wait longer than whoever asks for it; undefined where it may. */
  refusal(): string | undefined;
}

export interface TurnLimits {
  /** Jobs at work at a time */
  readonly atWork: number;
  /** Jobs taken on at a time, those that wait included */
  readonly jobs: number;
  /** ms in which one has to end where all turns are taken */
  readonly standstill: number;
}

/**
 * Starts jobs one after the other, with a look at the sockets between any two: a call that comes meanwhile is taken at
 * once, though those before it have a millisecond of work each.
 */
export function makeTurns({ atWork: most, jobs: mostJobs, standstill }: TurnLimits, now = Date.now): Turns {
  const waiting: ((turn: Turn) => Promise<void>)[] = [];
  let jobs = 0;
  let atWork = 0;
  let moved = now();
  let isPumping = false;
  const enter = () => {
    atWork++;
    moved = now();
  };
  const leave = () => {
    atWork--;
    moved = now();
    schedule();
  };
  const turn: Turn = {
    async aside(wait) {
      leave();
      try {
        return await wait();
      } finally {
        // At once, even if there are more at work then: it has waited, and others wait for what it holds.
        enter();
      }
    },
  };
  const pump = () => {
    isPumping = false;
    const job = atWork < most ? waiting.shift() : undefined;
    if (job === undefined) return;
    enter();
    job(turn).finally(() => {
      jobs--;
      leave();
    });
    schedule();
  };
  const schedule = () => {
    if (isPumping || waiting.length === 0) return;
    isPumping = true;
    setImmediate(pump);
  };
  return {
    take(job) {
      jobs++;
      waiting.push(job);
      schedule();
    },
    refusal() {
      if (jobs >= mostJobs) return "too many calls at work";
      return atWork >= most && now() - moved > standstill ? "no call at work ends" : undefined;
    },
  };
}
