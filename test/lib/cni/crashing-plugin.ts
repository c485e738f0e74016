import { CniError } from "../../../lib/cni/error.ts";
import type { Plugin } from "../../../lib/cni/plugin.ts";
import { runPlugin } from "../../../lib/cni/run-plugin.ts";

/** Ways for an ADD to go wrong that no caller of it can catch; run by run-plugin-process.test.ts. */
const crashes: Readonly<Record<string, () => Promise<never>>> = {
  "a promise that nobody holds": () => {
    void Promise.reject(new CniError(104, "full"));
    return new Promise(() => setTimeout(() => {}, 5000));
  },
  "an exception of a timer": () => {
    setTimeout(() => {
      throw new Error("late");
    }, 1);
    return new Promise(() => setTimeout(() => {}, 5000));
  },
  "an answer that never comes": () => new Promise(() => {}),
  "an exception of the verb": () => {
    throw new Error("at once");
  },
};

const [how = ""] = process.argv.slice(2);
const nothing = async () => {};
const plugin: Plugin = {
  name: "crashing",
  about: "goes wrong",
  verbs: async () => ({
    add: crashes[how] ?? (() => Promise.reject(new Error("no such way"))),
    del: nothing,
    check: nothing,
    status: nothing,
    gc: nothing,
  }),
};
await runPlugin(plugin);
