import type { Verbs } from "../../lib/cni/plugin.ts";

/** Each is a script of its own in the executable: a call reads and evaluates what it needs, and nothing else. */
export const verbs: Verbs = {
  add: async (invocation) => (await import("./add.ts")).add(invocation),
  del: async (invocation) => (await import("./del.ts")).del(invocation),
  check: async (invocation) => (await import("./check.ts")).check(invocation),
  status: async (invocation) => (await import("./status.ts")).status(invocation),
  gc: async (invocation) => (await import("./gc.ts")).gc(invocation),
};
