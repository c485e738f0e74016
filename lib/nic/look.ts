/** What a look was for: the ifindexes that messages came about, or all, after lost ones and at a resync. */
export type Heard = ReadonlySet<number> | "all";

/** What is asked for soon is done once for all who ask within `settle` ms, and never twice at a time. */
export function oneAtATime(
  settle: number,
  failed: (error: unknown) => void,
  work: (heard: Heard, isEnded: () => boolean) => Promise<void>,
) {
  let timer: NodeJS.Timeout | undefined;
  let turn = Promise.resolve();
  let ended = false;
  let indexes = new Set<number>();
  let isAll = false;
  const isEnded = () => ended;
  const report = (error: unknown) => {
    if (!ended) failed(error);
  };
  const begin = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    const done = turn.then(async () => {
      if (ended) return;
      const heard = isAll ? "all" : indexes;
      indexes = new Set();
      isAll = false;
      await work(heard, isEnded);
    });
    turn = done.catch(report);
    return done;
  };
  return {
    soon: (about: number | "all") => {
      if (ended) return;
      if (about === "all") isAll = true;
      else indexes.add(about);
      // What fails is reported by the turn.
      timer ??= setTimeout(() => begin().catch(() => {}), settle).unref();
    },
    now: begin,
    end: () => {
      ended = true;
      clearTimeout(timer);
    },
  };
}
