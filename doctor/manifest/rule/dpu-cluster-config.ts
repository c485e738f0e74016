import { error, type Finding, warning } from "../../finding.ts";
import { at, entriesAt, type Manifest, ofKind, placeOf, type Rule, textAt } from "../manifest.ts";

/** Pools that are the cluster's own. */
const reserved = new Set(["master", "worker"]);

/** Whether the DPU Network Operator can work by a DpuClusterConfig. */
export const dpuClusterConfig: Rule = {
  id: "dpu-cluster-config",
  title: "DpuClusterConfig",
  run(manifests) {
    const configs = ofKind(manifests, "DpuClusterConfig");
    const second = configs
      .slice(1)
      .map((config) =>
        error(
          placeOf(config),
          `is the ${configs.length > 2 ? "next" : "second"} one`,
          "the operator takes one DpuClusterConfig in a cluster and passes the others over",
          "leave one",
        ),
      );
    return [...second, ...configs.flatMap(judge)];
  },
};

function judge(config: Manifest): Finding[] {
  const where = placeOf(config);
  const found: Finding[] = [];
  const pool = textAt(config.content, "spec", "poolName");
  if (pool === undefined || pool === "")
    found.push(
      error(
        `${where} spec.poolName`,
        "is missing",
        "the operator makes no MachineConfigPool",
        "poolName: dpu",
      ),
    );
  else if (reserved.has(pool))
    found.push(
      error(
        `${where} spec.poolName`,
        `is "${pool}"`,
        "that pool is the cluster's own: its nodes would be set to switchdev and reboot; the operator refuses it",
        "poolName: dpu",
      ),
    );
  if (!textAt(config.content, "spec", "kubeConfigFile"))
    found.push(
      error(
        `${where} spec.kubeConfigFile`,
        "is missing",
        "the operator cannot reach the tenant cluster",
        "kubeConfigFile: <name of the Secret>",
      ),
    );
  if (entriesAt(config.content, "spec", "nodeSelector").length === 0)
    found.push(
      error(
        `${where} spec.nodeSelector`,
        "is missing or empty",
        "the pool would have no node, or every one",
        'nodeSelector: { matchLabels: { node-role.kubernetes.io/dpu-worker: "" } }',
      ),
    );
  else if (
    at(config.content, "spec", "nodeSelector", "matchLabels") === undefined &&
    at(config.content, "spec", "nodeSelector", "matchExpressions") === undefined
  )
    found.push(
      error(
        `${where} spec.nodeSelector`,
        "has neither matchLabels nor matchExpressions",
        "it is copied to the MachineConfigPool, whose selector is of that form",
        "put the labels below matchLabels:",
      ),
    );
  if (config.namespace === "")
    found.push(
      warning(
        where,
        "has no namespace",
        "the Secret is looked up in the namespace where this object happens to land",
        "metadata.namespace: the one in the operator's NAMESPACE",
      ),
    );
  return found;
}
