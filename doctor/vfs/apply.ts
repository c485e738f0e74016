import type { VfPlan } from "./plan.ts";

/** Writes a number to a file of sysfs; throws the kernel's refusal, with its errno's name as `code`. */
export type WriteNumber = (path: string, value: number) => void;

/** What the refusals of sriov_numvfs mean (drivers/pci/iov.c). */
const meanings: Readonly<Record<string, string>> = {
  EBUSY: "other virtual functions are there already: something else has made them since; plan again",
  ERANGE: "that is more than sriov_totalvfs",
  ENOENT: "the driver of this NIC cannot make virtual functions by sysfs",
  ENOMEM: "there are not enough PCI bus numbers or memory ranges: enable SR-IOV and ARI in the BIOS",
  EIO: "the NIC made fewer than asked for; see dmesg",
  EACCES: "run it as root",
  EPERM: "run it as root",
  EROFS: "/sys is mounted read-only here: run it on the host itself",
};

/**
 * Carries the plan out. Where the kernel refuses the last step, the number from before is put back. Returns what was
 * written; throws an Error that says which step failed, why, and what is there now.
 */
export function applyVfs({ pf, before, steps }: VfPlan, write: WriteNumber): readonly string[] {
  const written: string[] = [];
  for (const { path, value } of steps) {
    try {
      write(path, value);
      written.push(`${value} > ${path}`);
    } catch (error) {
      const { code = "", message } = error as NodeJS.ErrnoException;
      const now = written.length === 0 ? `${pf} is as it was` : restored(path, before, pf, write);
      throw new Error(`${value} > ${path}: ${code} (${meanings[code] ?? message}); ${now}`, { cause: error });
    }
  }
  return written;
}

/** The virtual functions from before are gone; at least their number comes back. */
function restored(path: string, before: number, pf: string, write: WriteNumber): string {
  try {
    write(path, before);
    return `${pf} has its ${before} virtual functions again, made anew`;
  } catch (error) {
    return `${pf} has none now, as ${before} > ${path} was refused too (${(error as NodeJS.ErrnoException).code})`;
  }
}
