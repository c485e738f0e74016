import { dirname } from "node:path";
import type { Check, Scope } from "../check.ts";
import { typesIn } from "../cni-files.ts";
import { error, type Finding, warning } from "../finding.ts";
import { firstDelegate, type Multus, multusOf } from "../multus.ts";
import type { Tree } from "../tree.ts";

/** Whether the file that Multus waits for is there, and leads to infra-dpu-cni on a DPU. */
export const readinessIndicator: Check = {
  id: "readiness-indicator",
  title: "Multus' readiness indicator and delegate",
  applies: ["node", "host", "dpu"],
  run(tree, scope) {
    const multus = multusOf(tree, scope);
    if (multus === undefined) return [];
    const absent = missingIndicator(tree, multus);
    return scope.role === "dpu" ? [...absent, ...wrongDelegate(tree, multus, scope)] : absent;
  },
};

function missingIndicator(tree: Tree, { path, indicator }: Multus): Finding[] {
  if (indicator === undefined || tree.stat(indicator) !== undefined) return [];
  return [
    error(
      indicator,
      `is not there, and ${path} waits for it`,
      "Multus lets every ADD wait 45 s and fails it; a thick Multus takes its configuration away: the node is NotReady",
      "start the network provider that writes it; on a DPU: scripts/install.sh, and a unit that puts it back, as /run is empty after a reboot",
    ),
  ];
}

function wrongDelegate(tree: Tree, { path, indicator, delegates }: Multus, { role }: Scope): Finding[] {
  const why = `in ${role} mode OVN-Kubernetes serves no pod of this node: each ADD waits for it in vain`;
  const file = indicator === undefined ? undefined : firstDelegate(tree, indicator);
  const next = typesIn(file?.content);
  if (file !== undefined && !next.includes("infra-dpu-cni"))
    return [
      warning(
        file.path,
        `its plugin is ${next.join(", ") || "missing"}, not infra-dpu-cni`,
        why,
        "scripts/install.sh, which puts the configuration in its place by a rename",
      ),
    ];
  if (delegates.length === 0 || delegates.includes("infra-dpu-cni")) return [];
  const folder = dirname(indicator ?? path);
  return [
    warning(
      path,
      `still delegates to ${delegates.join(", ")}, though ${folder} names infra-dpu-cni`,
      why,
      "kubectl -n openshift-multus delete pod -l app=multus --field-selector spec.nodeName=$(hostname)",
    ),
  ];
}
