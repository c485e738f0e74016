import { basename } from "node:path";
import type { Plugin } from "../lib/cni/plugin.ts";
import { runPlugin } from "../lib/cni/run-plugin.ts";

/** The names this executable goes by. Each plugin is loaded only where it is the one called. */
const plugins: Readonly<Record<string, () => Promise<{ readonly plugin: Plugin }>>> = {
  "infra-dpu-cni": () => import("./infra-dpu-cni/main.ts"),
  "multi-nic": () => import("./multi-nic/main.ts"),
  "multi-nic-ipam": () => import("./multi-nic-ipam/main.ts"),
};

const isPlugin = (name: string | undefined) => name !== undefined && Object.hasOwn(plugins, name);
const misnamed = () => import("./misnamed.ts");

// By the name it is called by; else (`node plugins/main.ts multi-nic`) by its first argument.
const names = [basename(process.argv0), ...process.argv.slice(2)];
const [name = "", argument] = isPlugin(names[0]) || !isPlugin(names[1]) ? names : names.slice(1);
const load = plugins[isPlugin(name) ? name : ""] ?? misnamed;
load().then(({ plugin }) => runPlugin(plugin, argument));
