import type { Check } from "../check.ts";
import { error, type Finding, note, warning } from "../finding.ts";
import { type PhysicalFunction, physicalFunctions, userOf } from "../physical-functions.ts";

/** Whether each virtual function has a driver, and one that the others have. */
export const vfDrivers: Check = {
  id: "vf-drivers",
  title: "drivers of the virtual functions",
  applies: ["host"],
  run: (tree, scope) => physicalFunctions(tree, scope).flatMap(judge),
};

function judge(pf: PhysicalFunction): Finding[] {
  const where = (address: string) => `/sys/bus/pci/devices/${address}/driver`;
  const found = pf.vfs
    .filter(({ driver }) => driver === undefined)
    .map(({ index, address }) =>
      error(
        where(address),
        `VF ${index} of ${pf.name} has no driver`,
        "it has no link, and the device plugin's drivers selector passes it over",
        `echo ${address} > /sys/bus/pci/drivers_probe`,
      ),
    );
  const drivers = [...new Set(pf.vfs.flatMap(({ driver }) => driver ?? []))];
  if (drivers.length > 1)
    found.push(
      warning(
        pf.device,
        `the VFs of ${pf.name} have different drivers (${drivers.join(", ")})`,
        "a pool with one driver in its selectors takes only some of them",
      ),
    );
  return [...found, ...inUse(pf)];
}

function inUse(pf: PhysicalFunction): Finding[] {
  const used = pf.vfs.flatMap((vf) => {
    const user = userOf(vf);
    return user === undefined ? [] : [`VF ${vf.index}: ${user}`];
  });
  if (used.length === 0) return [];
  return [
    note(
      pf.device,
      used.join("; "),
      "the number of virtual functions cannot be changed while these are in use",
    ),
  ];
}
