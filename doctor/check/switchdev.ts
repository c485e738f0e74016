import { basename } from "node:path";
import type { Check } from "../check.ts";
import { error } from "../finding.ts";
import { switchPorts } from "../switch-ports.ts";
import type { Tree } from "../tree.ts";

const net = "/sys/class/net";

/** Whether the embedded switch is in switchdev mode. */
export const switchdev: Check = {
  id: "switchdev",
  title: "the embedded switch is in switchdev mode",
  applies: ["dpu"],
  run(tree) {
    if (switchPorts(tree).length > 0) return [];
    const address = firstPciDevice(tree) ?? "<address of the DPU's NIC>";
    return [
      error(
        `${net}/*/phys_switch_id`,
        "no link has one",
        "the embedded switch is in legacy mode, or the DPU in NIC mode: there is nothing that Open vSwitch could offload to",
        `devlink dev eswitch set pci/${address} mode switchdev (where that is refused: mlxconfig -d ${address} q INTERNAL_CPU_MODEL)`,
      ),
    ];
  },
};

/** The device of p0, or of the first link that has one on the PCI bus. */
function firstPciDevice(tree: Tree): string | undefined {
  const names = ["p0", ...tree.list(net)];
  const devices = names.map((name) => basename(tree.link(`${net}/${name}/device`) ?? ""));
  return devices.find((device) => /^[\da-f]{4}:[\da-f]{2}:[\da-f]{2}\.\d$/.test(device));
}
