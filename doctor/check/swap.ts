import type { Check } from "../check.ts";
import { warning } from "../finding.ts";

const path = "/proc/swaps";

/** Whether swap is off. */
export const swap: Check = {
  id: "swap",
  title: "swap is off",
  applies: ["node", "host", "dpu"],
  run(tree) {
    const [, ...lines] = (tree.text(path) ?? "").trim().split("\n");
    const areas = lines.map((line) => line.split(/\s+/)[0] ?? "").filter((area) => area !== "");
    if (areas.length === 0) return [];
    return [
      warning(
        path,
        `swap is on (${areas.join(", ")})`,
        "kubelet does not start with swap unless failSwapOn is false",
        "swapoff -a, and take the swap lines out of /etc/fstab",
      ),
    ];
  },
};
