const isTerminal = process.stderr.isTTY === true;
let shown = 0;

/** A line that says how far a long run is: written over on a terminal, every 30 s elsewhere. On stderr. */
export const progress = {
  show(text: string): void {
    const now = Date.now();
    if (now - shown < (isTerminal ? 200 : 30_000)) return;
    shown = now;
    process.stderr.write(isTerminal ? `\r\u001b[K${text}` : `${text}\n`);
  },
  /** A line that stays. */
  say(text: string): void {
    process.stderr.write(isTerminal ? `\r\u001b[K${text}\n` : `${text}\n`);
  },
};
