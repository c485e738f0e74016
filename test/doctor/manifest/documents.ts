import { lint } from "../../../doctor/manifest/serve.ts";

/** What is found in a set of YAML texts, as "check severity what". */
export const found = (...texts: string[]) =>
  lint(texts.map((text, place) => ({ file: `${place}.yaml`, text })))
    .flatMap(({ findings }) => findings)
    .map(({ check, severity, what }) => `${check} ${severity} ${what}`);

export const nad = (config: unknown, annotations = {}) =>
  JSON.stringify({
    apiVersion: "k8s.cni.cncf.io/v1",
    kind: "NetworkAttachmentDefinition",
    metadata: { name: "net", namespace: "apps", annotations },
    spec: { config: typeof config === "string" ? config : JSON.stringify(config) },
  });
export const conf = { cniVersion: "1.0.0", name: "net", type: "multi-nic" };
export const resourceName = { "k8s.v1.cni.cncf.io/resourceName": "mellanox.com/cx6" };

export const pod = (networks: string, resources?: object, annotation = "k8s.v1.cni.cncf.io/networks") =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web", namespace: "apps", annotations: { [annotation]: networks } },
    spec: { containers: [{ name: "c", image: "i", ...(resources && { resources }) }] },
  });
export const both = (name: string) => ({ requests: { [name]: "1" }, limits: { [name]: "1" } });

export const configMap = (name: string, data: object, namespace = "default") =>
  JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace }, data });
export const pool = (pfNames: string[], more = {}) => ({
  resourceName: "cx6",
  resourcePrefix: "mellanox.com",
  selectors: { pfNames },
  ...more,
});
export const sriovdp = (...resourceList: object[]) =>
  configMap("sriovdp-config", { "config.json": JSON.stringify({ resourceList }) });

export const dpuHost = (name: string) =>
  JSON.stringify({
    kind: "DaemonSet",
    metadata: { name: "ovnkube-node-dpu-host" },
    spec: {
      template: { spec: { containers: [{ env: [{ name: "OVNKUBE_NODE_MGMT_PORT_NETDEV", value: name }] }] } },
    },
  });
export const daemonSet = (args: string[]) =>
  JSON.stringify({
    kind: "DaemonSet",
    metadata: { name: "sriovdp" },
    spec: { template: { spec: { containers: [{ args }] } } },
  });

export const cluster = (spec: object, namespace = "default") =>
  JSON.stringify({
    kind: "DpuClusterConfig",
    metadata: { name: "dpu", namespace },
    spec: { ...sound, ...spec },
  });
const sound = {
  kubeConfigFile: "tenant",
  poolName: "dpu",
  nodeSelector: { matchLabels: { dpu: "" } },
};
export const secret = (content: object, namespace = "default") =>
  JSON.stringify({ kind: "Secret", metadata: { name: "tenant", namespace }, ...content });
export const kubeconfig = JSON.stringify({ clusters: [{}], contexts: [{}], users: [{}] });
export const goodSecret = secret({ data: { config: btoa(kubeconfig) } });
export const env = "TENANT_K8S_NODE=host-1\nMGMT_IFNAME=pf0vf0\n";
