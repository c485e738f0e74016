import type { Check } from "../check.ts";
import { error, type Finding, warning } from "../finding.ts";
import { isUp } from "../physical-functions.ts";
import { type SwitchPort, switchPorts } from "../switch-ports.ts";
import type { Tree } from "../tree.ts";

const net = "/sys/class/net";

/** Whether the DPU has links that stand for the wire, the host, and the host's virtual functions. */
export const representors: Check = {
  id: "representors",
  title: "uplink and representors",
  applies: ["dpu"],
  run(tree) {
    const ports = switchPorts(tree);
    return ports.length === 0 ? [] : [...missing(ports), ...down(tree, ports)];
  },
};

function missing(ports: readonly SwitchPort[]): Finding[] {
  const lacks = (kind: SwitchPort["kind"]) => !ports.some((port) => port.kind === kind);
  const where = `${net}/*/phys_port_name`;
  const found: Finding[] = [];
  if (lacks("uplink"))
    found.push(error(where, "no port is an uplink (p0)", "nothing leaves the DPU", "devlink port show"));
  if (lacks("host PF"))
    found.push(
      error(
        where,
        "no port stands for the host (pf0)",
        "the host has no network through this DPU",
        "devlink port show; power the host on, and see that the DPU is in DPU mode (mlxconfig q INTERNAL_CPU_MODEL)",
      ),
    );
  if (lacks("VF"))
    found.push(
      warning(
        where,
        "no port stands for a VF of the host (pf0vf0)",
        "OVN-Kubernetes has nothing to connect a pod of the host with",
        "on the host: multi-nic-doctor --plan-vfs N --pf NAME --apply",
      ),
    );
  return found;
}

/** VF representors are set up by OVN-Kubernetes as pods come; the others have to be. */
function down(tree: Tree, ports: readonly SwitchPort[]): Finding[] {
  return ports
    .filter(({ name, kind }) => (kind === "uplink" || kind === "host PF") && isUp(tree, name) === false)
    .map(({ name, kind }) =>
      error(`${net}/${name}`, `${name} (${kind}) is down`, "no packet passes it", `ip link set ${name} up`),
    );
}
