import { basename } from "node:path";
import type { Plugin } from "../lib/cni/plugin.ts";
import { runPlugin } from "../lib/cni/run-plugin.ts";

/** The names this executable goes by. Each plugin is loaded only where it is the one called. */
const plugins: Readonly<Record<string, () => Promise<{ readonly plugin: Plugin }>>> = {
  "infra-dpu-cni": () => import("./infra-dpu-cni/main.ts"),
  "multi-nic": () => import("./multi-nic/main.ts"),
  "multi-nic-ipam": () => import("./multi-nic-ipam/main.ts"),
};

/** By the name it is called by; else (`node plugins/main.ts multi-nic`) by its first argument. */
function called(): { readonly name: string; readonly argument: string | undefined } {
  const name = basename(process.argv0);
  const [first, second] = process.argv.slice(2);
  if (Object.hasOwn(plugins, name)) return { name, argument: first };
  return { name: first ?? "", argument: second };
}

const { name, argument } = called();
const load = Object.hasOwn(plugins, name) ? plugins[name] : () => import("./misnamed.ts");
load?.().then(({ plugin }) => runPlugin(plugin, argument));
