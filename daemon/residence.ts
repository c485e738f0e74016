import { setFlagsFromString } from "node:v8";
import { keepDatabasesOpen } from "../lib/ipam/open-database.ts";
import { loadAddon, type NetnsAddon } from "../lib/linux/addon.ts";
import { sendOffThread } from "../lib/netlink/transport.ts";

/** Threads that wait for the kernel, so as many deletions of links at once. They are idle else, and share their code. */
const threads = 64;

/** Turns a process made for one call into one that stays. To be called first, in the namespace of the host. */
export async function settle(): Promise<void> {
  // The executable is built without V8's compilers, which do not pay for one call (scripts/build/exec-argv.ts).
  for (const flag of ["--sparkplug", "--maglev", "--opt"]) setFlagsFromString(flag);
  keepDatabasesOpen();
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
