import { basename } from "node:path";
import { buildVersion } from "../lib/cni/build-version.ts";
import { runPlugin } from "../lib/cni/run-plugin.ts";
import { plugin as misnamed } from "./misnamed.ts";
import { plugins } from "./plugins.ts";

/** Not plugins but for those who run a node; each gets its arguments and the version, and is loaded where it is asked for. */
const commands = new Map([
  ["multi-nic-concheck", () => import("../concheck/main.ts").then(({ concheck }) => concheck)],
  ["multi-nic-doctor", () => import("../doctor/main.ts").then(({ doctor }) => doctor)],
  ["multi-nicd", () => import("../daemon/main.ts").then(({ daemon }) => daemon)],
]);

/** A runtime gives no arguments: what it takes for a plugin must not begin to serve, or print a report. */
const isCallOfRuntime = (args: readonly string[]) => args.length === 0 && Boolean(process.env.CNI_COMMAND);

/** Serves a call by that name with these arguments; whether there is such a name. */
function serves(name: string, args: readonly string[]): boolean {
  const load = commands.get(name);
  const plugin = plugins.get(name);
  if (load !== undefined && isCallOfRuntime(args)) runPlugin(misnamed);
  else if (load !== undefined) load().then((command) => command({ args, version: buildVersion }));
  else if (plugin !== undefined) runPlugin(plugin, args[0]);
  return load !== undefined || plugin !== undefined;
}

// By the name it is called by; else (`node plugins/main.ts multi-nic`) by its first argument.
const args = process.argv.slice(2);
const [first = "", ...rest] = args;
if (!serves(basename(process.argv0), args) && !serves(first, rest)) runPlugin(misnamed, first);
