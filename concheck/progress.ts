/** Counts what is done, in one line of a terminal; elsewhere in a line at most every some seconds. */
export interface Progress extends Disposable {
  readonly tick: () => void;
}

/** ms between lines: on a terminal, where each takes the place of the one before, and elsewhere */
const pause = { terminal: 100, file: 5000 };

export function progress(what: string, total: number, out: NodeJS.WriteStream, isQuiet: boolean): Progress {
  let done = 0;
  let said = performance.now();
  let hasLine = false;
  const isTerminal = out.isTTY === true;
  const say = () => {
    said = performance.now();
    out.write(
      `${isTerminal ? "\r" : ""}concheck: ${what}: ${done} of ${total}${isTerminal ? "\x1b[K" : "\n"}`,
    );
    hasLine = isTerminal;
  };
  if (!isQuiet) say();
  return {
    tick() {
      done++;
      if (isQuiet) return;
      const since = performance.now() - said;
      if (done === total || since >= (isTerminal ? pause.terminal : pause.file)) say();
    },
    [Symbol.dispose]() {
      if (hasLine) out.write("\n");
    },
  };
}
