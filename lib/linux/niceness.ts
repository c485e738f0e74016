import { setPriority } from "node:os";
import { loadAddon, type NetnsAddon } from "./addon.ts";
import { processWide } from "./process-wide.ts";

/** Of getpriority(2): the highest priority, and that of who has asked for none. */
const [first, usual] = [-20, 0];

/** Of all copies of this module: what starts processes has another than what hurries. */
const settings = processWide("linux.niceness", () => ({ hurries: false }));

/**
 * From now on this process, with all its threads, goes before others: threads begin with the priority of the one that
 * starts them. Without CAP_SYS_NICE it is as fast as others are.
 */
export function goFirst(): void {
  try {
    setPriority(first);
    settings.hurries = true;
  } catch {
    // It was not allowed to.
  }
}

/** Starts a process, which begins with the priority of this thread, as one of no process that goes first. */
export function startAsUsual<T>(start: () => T): T {
  if (!settings.hurries) return start();
  const { setNiceness } = loadAddon<NetnsAddon>("netns");
  setNiceness(usual);
  try {
    return start();
  } finally {
    setNiceness(first);
  }
}
