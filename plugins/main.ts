import { basename } from "node:path";
import { runPlugin } from "../lib/cni/run-plugin.ts";
import { plugin as infraDpuCni } from "./infra-dpu-cni/main.ts";
import { plugin as misnamed } from "./misnamed.ts";
import { plugin as multiNic } from "./multi-nic/main.ts";
import { plugin as multiNicIpam } from "./multi-nic-ipam/main.ts";

/** The plugins by their names, which this executable goes by. What they do is loaded only where it is asked for. */
const plugins = new Map([infraDpuCni, multiNic, multiNicIpam].map((plugin) => [plugin.name, plugin]));

// By the name it is called by; else (`node plugins/main.ts multi-nic`) by its first argument.
const [argument, next] = process.argv.slice(2);
const called = plugins.get(basename(process.argv0));
const named = called === undefined ? plugins.get(argument ?? "") : undefined;
runPlugin(called ?? named ?? misnamed, named === undefined ? argument : next);
