import { dirname, join } from "node:path";
import { AddonError, isLoaded, loadAddon, type NetnsAddon } from "../linux/addon.ts";
import { LockError, LockQueue } from "../linux/lock.ts";
import { isLocked } from "./database-error.ts";

/**
 * How long others are waited for, in milliseconds. `turn`: those ahead in the queue. Fifty at once on four emulated
 * processors take half a minute to write (docs/reliability.md), and kubelet gives a sandbox four. `lock`: who is not
 * in the queue, since it reads, opens or closes the database, or is of a release that has no queue. `again`: both, for
 * the steps that follow on one that was in vain, for DEL has three, and kubelet gives it two minutes.
 */
export interface Patience {
  readonly turn: number;
  readonly lock: number;
  readonly again: number;
}

export const usualPatience: Patience = { turn: 60_000, lock: 20_000, again: 1000 };

/** Of a process that has one thread for many calls: all of them wait while one does. */
export const patienceOfMany: Patience = { turn: 10_000, lock: 10_000, again: 1000 };

/** Of the file of locks: behind those of the attachments, which 32 bits number. */
const byteOfWriters = 2 ** 32;

/**
 * Writers of a database go in the order they came. SQLite has no queue for its lock: whoever looks in the right moment
 * has it, and fifty that look keep the processors from the one that could give it back. The queue gives order, the
 * database's own lock what must never be two at once: where there is no queue to be had, things go on without.
 */
export class Turns implements Disposable {
  readonly #queue: LockQueue;
  readonly #patience: Patience;
  #wasInVain = false;

  /** @param database its path; the file of locks is beside it (lib/linux/paths.ts) */
  constructor(database: string, patience: Patience) {
    this.#patience = patience;
    this.#queue = new LockQueue(join(dirname(database), "locks"), byteOfWriters);
  }

  /** Begins a transaction when its turn has come, which is over when what it gives is disposed of. Throws as begin does. */
  take(begin: () => void): Disposable {
    // To load the addon takes 0.3 ms, of a call of multi-nic-ipam, which has no other use for it.
    if (!isLoaded("netns") && succeeds(begin)) return { [Symbol.dispose]: () => undefined };
    const { lock, again } = this.#patience;
    const goOn = hurry();
    const end = () => {
      this.#queue.unlock();
      goOn();
    };
    try {
      const isFirst = this.#queueUp();
      patiently(begin, isFirst && !this.#wasInVain ? lock : again);
      this.#wasInVain = false;
    } catch (error) {
      this.#wasInVain = isLocked(error);
      end();
      throw error;
    }
    return { [Symbol.dispose]: end };
  }

  /** False where others have the turn and go on having it: what stops them may yet have let the database go. */
  #queueUp(): boolean {
    const { turn, again } = this.#patience;
    try {
      this.#queue.lock(this.#wasInVain ? again : turn);
      return true;
    } catch (error) {
      if (error instanceof LockError) return error.code !== "EAGAIN";
      if (error instanceof AddonError) return true;
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#queue[Symbol.dispose]();
  }
}

/** False where others have the database. */
function succeeds(begin: () => void): boolean {
  try {
    begin();
    return true;
  } catch (error) {
    if (isLocked(error)) return false;
    throw error;
  }
}

/**
 * Whoever has the turn keeps all others from theirs: a millisecond of work takes a second where fifty processes that
 * start share the processors with it, unless it goes first. Gives what undoes that.
 */
function hurry(): () => void {
  const niceness = setNiceness(-20);
  return niceness === undefined ? () => {} : () => setNiceness(niceness);
}

function setNiceness(niceness: number): number | undefined {
  try {
    return loadAddon<NetnsAddon>("netns").setNiceness(niceness);
  } catch (error) {
    if (error instanceof AddonError) return undefined;
    throw error;
  }
}

const neverSet = new Int32Array(new SharedArrayBuffer(4));

/** How long a pause is at most, in milliseconds: at the first try, after many, and how it grows from one to the next. */
const pauses = { first: 3, longest: 25, growth: 1.3 };

/**
 * What fn gives once no other process locks it out. The pauses are short and of chance length: SQLite's own grow to
 * 100 ms, which made the slowest of eight processes wait three times as long. They grow, since fifty that look every
 * other millisecond take the processors from the one that has the lock.
 */
export function patiently<T>(fn: () => T, most: number): T {
  const deadline = Date.now() + most;
  for (let pause = pauses.first; ; pause = Math.min(pause * pauses.growth, pauses.longest)) {
    try {
      return fn();
    } catch (error) {
      if (!isLocked(error) || Date.now() > deadline) throw error;
    }
    Atomics.wait(neverSet, 0, 0, Math.random() * pause);
  }
}
