import type { Check } from "../check.ts";
import { error, type Finding, note, warning } from "../finding.ts";
import { type OpenVswitch, openVswitch, unit } from "../open-vswitch.ts";

const table = "Open_vSwitch .";
const restart = `systemctl restart ${unit}`;

/** Keys of external_ids that OVN-Kubernetes reads in dpu mode. */
const ids = [
  [
    "host-k8s-nodename",
    error,
    "ovnkube-node does not know whose pods it connects",
    "<node name of the host>",
  ],
  [
    "ovn-gw-interface",
    warning,
    "ovnkube-node takes the default route's link for the gateway, which may not be the uplink",
    "p0",
  ],
  [
    "ovn-gw-nexthop",
    warning,
    "pods reach nothing beyond the cluster where no default route names the gateway",
    "<address of the gateway>",
  ],
  [
    "ovn-encap-ip",
    note,
    "ovn-controller makes no tunnel before it is set; ovnkube-node sets it when it starts",
    "<address of brp0>",
  ],
  [
    "ovn-encap-type",
    note,
    "ovn-controller makes no tunnel before it is set; ovnkube-node sets it when it starts",
    "geneve",
  ],
] as const;

/** Whether Open vSwitch offloads, and knows what OVN-Kubernetes reads of it. */
export const openVswitchSettings: Check = {
  id: "open-vswitch-settings",
  title: "Open vSwitch: hw-offload and external-ids",
  applies: ["dpu"],
  async run(tree, scope) {
    const found = await openVswitch(tree, scope);
    if (!("failure" in found)) return judge(found);
    const why = "without Open vSwitch the DPU switches nothing";
    return [error("Open vSwitch", found.failure, why, `systemctl enable --now ${unit}`)];
  },
};

function judge({ otherConfig, externalIds }: OpenVswitch): readonly Finding[] {
  const offload = otherConfig.get("hw-offload");
  const found: Finding[] = [];
  if (offload !== "true")
    found.push(
      error(
        `${table} other_config:hw-offload`,
        offload === undefined ? "is not set" : `is ${JSON.stringify(offload)}`,
        "every packet goes through the DPU's cores",
        `ovs-vsctl set ${table} other_config:hw-offload=true && ${restart}`,
      ),
    );
  const unset = ids.filter(([key]) => !externalIds.has(key));
  const missing = unset.map(([key, make, why, value]) =>
    make(
      `${table} external_ids:${key}`,
      "is not set",
      why,
      `ovs-vsctl set ${table} external_ids:${key}=${value}`,
    ),
  );
  return [...found, ...missing];
}
