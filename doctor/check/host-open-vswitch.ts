import type { Check } from "../check.ts";
import { warning } from "../finding.ts";
import { unit } from "../open-vswitch.ts";
import { readValue } from "../tree.ts";

const pidFile = "/var/run/openvswitch/ovs-vswitchd.pid";

/** Whether Open vSwitch is off on the host: the DPU's switches its pods' packets. */
export const hostOpenVswitch: Check = {
  id: "host-open-vswitch",
  title: "no Open vSwitch runs on the DPU's host",
  applies: ["host"],
  run(tree) {
    const pid = readValue(tree, pidFile);
    if (pid === undefined) return [];
    // A pid file outlives what wrote it; without its process, nothing runs.
    const name = readValue(tree, `/proc/${pid.replace(/\D/g, "")}/comm`);
    if (name !== "ovs-vswitchd") return [];
    return [
      warning(
        pidFile,
        `ovs-vswitchd runs here (pid ${pid})`,
        "in dpu-host mode packets are switched on the DPU; an Open vSwitch here takes NICs away from it",
        `systemctl disable --now ${unit}`,
      ),
    ];
  },
};
