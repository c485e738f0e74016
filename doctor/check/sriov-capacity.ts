import type { Check, Scope } from "../check.ts";
import { error, type Finding, note, warning } from "../finding.ts";
import { type PhysicalFunction, physicalFunctions } from "../physical-functions.ts";

const net = "/sys/class/net";

/** Whether there are virtual functions to be had, and whether they were made. */
export const sriovCapacity: Check = {
  id: "sriov-capacity",
  title: "SR-IOV: virtual functions that can be and are made",
  applies: ["host"],
  run(tree, scope) {
    const found = physicalFunctions(tree, scope);
    const having = found.filter(({ created }) => created > 0).map(({ name }) => name);
    return found.length === 0 ? [noSriov(scope)] : found.flatMap((each) => judge(each, having));
  },
};

function noSriov({ pf }: Scope): Finding {
  const why = "no pod of this host can get a virtual function";
  const firmware =
    "enable SR-IOV in the BIOS and in the NIC's firmware (mlxconfig -d <device> set SRIOV_EN=1 NUM_OF_VFS=16), and reboot";
  if (pf === undefined) return error(net, "no NIC has sriov_totalvfs above 0", why, firmware);
  return error(
    `${net}/${pf}`,
    `${pf} is no NIC with sriov_totalvfs above 0`,
    why,
    `name another with --pf (ls ${net}), or ${firmware}`,
  );
}

/** `having` names the physical functions that have virtual ones: another one without is no fault then. */
function judge(
  { name, device, total, created, vfs }: PhysicalFunction,
  having: readonly string[],
): Finding[] {
  const where = `${device}/sriov_numvfs`;
  const plan = `multi-nic-doctor --plan-vfs N --pf ${name}`;
  if (created === 0) {
    const what = `0 of ${total} virtual functions are made`;
    if (having.length > 0) return [note(where, what, `pods get those of ${having.join(", ")} only`, plan)];
    return [warning(where, what, "pods that ask for one stay Pending", plan)];
  }
  if (created === vfs.length) return [];
  const what = `says ${created}, and ${vfs.length} virtfn links are there`;
  return [
    error(
      where,
      what,
      "the driver has not made them all; the device plugin offers fewer",
      `dmesg | grep -i ${name}; then ${plan}`,
    ),
  ];
}
