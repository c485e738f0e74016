import { readFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { keepDatabasesOpen } from "../lib/ipam/open-database.ts";
import { loadAddon, type NetnsAddon } from "../lib/linux/addon.ts";
import { lockOffThread } from "../lib/linux/lock.ts";
import { goFirst } from "../lib/linux/niceness.ts";
import { sendOffThread } from "../lib/netlink/transport.ts";

/** Threads that wait for the kernel, so as many deletions of links at once. They are idle else, and share their code. */
export const threads = 64;

/** Turns a process made for one call into one that stays. To be called first, in the namespace of the host. */
export async function settle(): Promise<void> {
  // The executable is built without V8's compilers, which do not pay for one call (scripts/build/exec-argv.ts). The
  // optimising ones do not pay here either: 18 MB more, and no call is faster (docs/performance.md).
  setFlagsFromString("--sparkplug");
  // Idle, it takes nothing from anybody. Where pods start, the node is busiest, and each call that waits 200 ms for it is
  // served by a process of its own, at six times the CPU time (docs/performance.md).
  goFirst();
  keepDatabasesOpen();
  lockOffThread();
  sendOffThread();
  await startThreads();
}

/** At once: a thread is born into the namespaces of the one that starts it, which later may be visiting a pod's. */
function startThreads(): Promise<void> {
  process.env.UV_THREADPOOL_SIZE = String(threads);
  // It needs no socket: that the descriptor is bad is found out in the pool.
  const { sendInThread } = loadAddon<NetnsAddon>("netns");
  return new Promise((resolve) => sendInThread(-1, Buffer.alloc(0), () => resolve()));
}

/**
 * Gives back the pages of the executable that only the start needed, some 40 MB; the page cache keeps them for the next
 * start. What was written to (Anonymous of proc(5), smaps) and what may be, is left alone.
 */
export function forgetStart(): void {
  const { forget } = loadAddon<NetnsAddon>("netns");
  for (const mapping of readFileSync("/proc/self/smaps", "utf8").split(/\n(?=[0-9a-f]+-)/)) {
    const [, first = "", end = "", path] = /^([0-9a-f]+)-([0-9a-f]+) r-[x-]p .* (\/.*)$/m.exec(mapping) ?? [];
    if (path !== process.execPath || !/^Anonymous: +0 kB$/m.test(mapping)) continue;
    const address = Number.parseInt(first, 16);
    forget(address, Number.parseInt(end, 16) - address);
  }
}
