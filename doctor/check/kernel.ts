import type { Check } from "../check.ts";
import { error, note } from "../finding.ts";
import { readValue } from "../tree.ts";
import { isOlder, versionIn } from "../version.ts";

const path = "/proc/sys/kernel/osrelease";
/** What Node 24 needs (its BUILDING.md), and so our executables. */
const oldest = "4.18";

/** The kernel's version. */
export const kernel: Check = {
  id: "kernel",
  title: "kernel version",
  applies: ["node", "host", "dpu"],
  run(tree) {
    const release = readValue(tree, path);
    const version = versionIn(release ?? "");
    if (release === undefined || version === undefined)
      return [note(path, "has no kernel version", `kernels before ${oldest} cannot run the executables`)];
    if (!isOlder(version, oldest)) return [];
    const why = `the executables need ${oldest} or newer`;
    return [
      error(path, `the kernel is ${release}`, why, "install a newer kernel of your distribution, and reboot"),
    ];
  },
};
