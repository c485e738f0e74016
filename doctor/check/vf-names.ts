import type { Check } from "../check.ts";
import { warning } from "../finding.ts";
import { physicalFunctions } from "../physical-functions.ts";

/** Whether the virtual functions' links have names that last. */
export const vfNames: Check = {
  id: "vf-names",
  title: "names of the virtual functions' links",
  applies: ["host"],
  run(tree, scope) {
    const kernelNamed = physicalFunctions(tree, scope).flatMap(({ name, vfs }) =>
      vfs.flatMap((vf) =>
        vf.links.filter((link) => /^eth\d+$/.test(link.name)).map((link) => ({ pf: name, vf, link })),
      ),
    );
    return kernelNamed.map(({ pf, vf, link }) =>
      warning(
        `/sys/bus/pci/devices/${vf.address}/net`,
        `VF ${vf.index} of ${pf} is called ${link.name}`,
        "such a name may go to another NIC at the next boot, and OVNKUBE_NODE_MGMT_PORT_NETDEV names a VF's link",
        `udevadm test-builtin net_id /sys/class/net/${link.name}, then give it that name by a .link file of systemd-networkd`,
      ),
    );
  },
};
