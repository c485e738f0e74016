import { type PhysicalFunction, userOf } from "../physical-functions.ts";

/** One write to sriov_numvfs. */
export interface Step {
  readonly path: string;
  readonly value: number;
  readonly why: string;
}

/** The writes that bring a physical function to a number of virtual ones, or why they must not be made. */
export interface VfPlan {
  readonly pf: string;
  /** What sriov_numvfs is before */
  readonly before: number;
  readonly wanted: number;
  readonly steps: readonly Step[];
  readonly refusals: readonly Refusal[];
}

export interface Refusal {
  readonly what: string;
  readonly mend: string;
}

/**
 * Plans by what the kernel takes (drivers/pci/iov.c, sriov_numvfs_store): the same number again is nothing, more
 * than sriov_totalvfs is ERANGE, and one number above 0 to another is EBUSY: all go first, those in use as well.
 */
export function planVfs(pf: PhysicalFunction, wanted: number): VfPlan {
  const { name, created: before, total } = pf;
  const plan = { pf: name, before, wanted, steps: [], refusals: [] };
  if (wanted > total) {
    const mend = `ask for at most ${total}, or raise NUM_OF_VFS in the NIC's firmware and reboot`;
    return {
      ...plan,
      refusals: [{ what: `${wanted} are more than the ${total} that ${name} can have`, mend }],
    };
  }
  if (wanted === before) return plan;
  const refusals = before === 0 ? [] : inUse(pf);
  return refusals.length > 0 ? { ...plan, refusals } : { ...plan, steps: stepsFor(pf, wanted) };
}

function inUse({ vfs, name }: PhysicalFunction): Refusal[] {
  return vfs.flatMap((vf) => {
    const user = userOf(vf);
    if (user === undefined) return [];
    const what = `VF ${vf.index} of ${name} (${vf.address}) would be pulled away: ${user}`;
    return [
      { what, mend: "kubectl drain --ignore-daemonsets this node, end what else has it, and plan again" },
    ];
  });
}

function stepsFor({ device, created, vfs }: PhysicalFunction, wanted: number): Step[] {
  const path = `${device}/sriov_numvfs`;
  const links = vfs.flatMap((vf) => vf.links.map((link) => link.name)).join(", ");
  const away = {
    path,
    value: 0,
    why: `takes all ${created} away${links === "" ? "" : ` (${links})`}: a number above 0 cannot be changed to another`,
  };
  const make = { path, value: wanted, why: `makes ${wanted}` };
  return [...(created === 0 ? [] : [away]), ...(wanted === 0 ? [] : [make])];
}
