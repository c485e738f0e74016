/** Something the machine lacks the tools for; the message says what, and which package brings it. */
export class Missing extends Error {
  override readonly name = "Missing";
}

const notes: string[] = [];

/** Runs one step of the build, and says on stdout how many seconds it took. */
export async function step<T>(label: string, run: () => T | Promise<T>): Promise<T> {
  const started = performance.now();
  const result = await run();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${label.padEnd(58)} ${seconds.padStart(6)} s`);
  return result;
}

/** Keeps for the end what the build does without. */
export function note(text: string): void {
  notes.push(text);
}

/** Says on stderr what was noted, once each. */
export function sayNotes(): void {
  for (const text of new Set(notes)) console.error(`build.sh: ${text}`);
}
