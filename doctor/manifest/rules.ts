import type { Rule } from "./manifest.ts";
import { dpuClusterConfig } from "./rule/dpu-cluster-config.ts";
import { envOverrides } from "./rule/env-overrides.ts";
import { kubeconfigSecret } from "./rule/kubeconfig-secret.ts";
import { managementVf } from "./rule/management-vf.ts";
import { nadConfig } from "./rule/nad-config.ts";
import { podNetworks } from "./rule/pod-networks.ts";
import { resourceNames } from "./rule/resource-names.ts";
import { sriovdpConfig } from "./rule/sriovdp-config.ts";

/** Every rule, after what reading itself finds ("yaml", "indentation"). */
export const rules: readonly Rule[] = [
  nadConfig,
  podNetworks,
  sriovdpConfig,
  resourceNames,
  managementVf,
  dpuClusterConfig,
  kubeconfigSecret,
  envOverrides,
];
