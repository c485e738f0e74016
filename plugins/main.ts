import { basename } from "node:path";
import { buildVersion } from "../lib/cni/build-version.ts";
import { runPlugin } from "../lib/cni/run-plugin.ts";
import { plugin as infraDpuCni } from "./infra-dpu-cni/main.ts";
import { plugin as misnamed } from "./misnamed.ts";
import { plugin as multiNic } from "./multi-nic/main.ts";
import { plugin as multiNicIpam } from "./multi-nic-ipam/main.ts";

/** The plugins by their names, which this executable goes by. What they do is loaded only where it is asked for. */
const plugins = new Map([infraDpuCni, multiNic, multiNicIpam].map((plugin) => [plugin.name, plugin]));

/** No plugin: a command for those who run a node. It gets the version, and imports nothing that the plugins have. */
const doctor = "multi-nic-doctor";

// By the name it is called by; else (`node plugins/main.ts multi-nic`) by its first argument.
const [argument, next] = process.argv.slice(2);
const name = basename(process.argv0);
const called = plugins.get(name);
const named = called === undefined ? plugins.get(argument ?? "") : undefined;
if (called === undefined && (name === doctor || argument === doctor)) {
  const args = process.argv.slice(name === doctor ? 2 : 3);
  import("../doctor/main.ts").then(({ doctor }) => doctor({ args, version: buildVersion }));
} else {
  runPlugin(called ?? named ?? misnamed, named === undefined ? argument : next);
}
