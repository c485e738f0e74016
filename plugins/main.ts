import { basename } from "node:path";
import { buildVersion } from "../lib/cni/build-version.ts";
import { runPlugin } from "../lib/cni/run-plugin.ts";
import { plugin as misnamed } from "./misnamed.ts";
import { plugins } from "./plugins.ts";

/** Not plugins but for those who run a node; each gets its arguments and the version, and is loaded where it is asked for. */
const commands = {
  "multi-nic-concheck": () => import("../concheck/main.ts").then(({ concheck }) => concheck),
  "multi-nic-doctor": () => import("../doctor/main.ts").then(({ doctor }) => doctor),
  "multi-nicd": () => import("../daemon/main.ts").then(({ daemon }) => daemon),
};

// By the name it is called by; else (`node plugins/main.ts multi-nic`) by its first argument.
const name = basename(process.argv0);
const [argument = "", ...rest] = process.argv.slice(2);
if (name in commands) command(name, process.argv.slice(2));
else if (plugins.has(name)) runPlugin(plugins.get(name) ?? misnamed, process.argv[2]);
else if (argument in commands) command(argument, rest);
else if (plugins.has(argument)) runPlugin(plugins.get(argument) ?? misnamed, rest[0]);
else runPlugin(misnamed, process.argv[2]);

async function command(known: string, args: readonly string[]): Promise<void> {
  const serve = await commands[known as keyof typeof commands]();
  await serve({ args, version: buildVersion });
}
