import { expect, test } from "vitest";
import { parseRange } from "../../../doctor/manifest/device-pools.ts";
import { lint } from "../../../doctor/manifest/serve.ts";
import {
  both,
  cluster,
  conf,
  configMap,
  daemonSet,
  dpuHost,
  env,
  found,
  goodSecret,
  kubeconfig,
  nad,
  pod,
  pool,
  resourceName,
  secret,
  sriovdp,
} from "./documents.ts";

test.each<[sentence: string, texts: string[], found: string[]]>([
  ["a text with no document is nothing", ["# nothing\n---\n"], []],
  [
    "a tab is YAML's error, with its line",
    ["a:\n\tb: 1\n"],
    [expect.stringMatching(/^yaml error /) as string],
  ],
  ["a key twice is an error", ["kind: Pod\nkind: Pod\n"], ["yaml error Map keys must be unique"]],
  ["a list at the top is no object", ["- a\n"], ["yaml error is no Kubernetes object"]],
  [
    "a kind that is not known here keeps the keys it has",
    ["kind: Other\nmetadata:\n  name: x\nname: y\n"],
    [],
  ],
  [
    "the objects of a List are looked at",
    [JSON.stringify({ kind: "List", items: [JSON.parse(nad("{"))] })],
    ["nad-config error is not JSON"],
  ],

  ["a sound network and pod are nothing", [nad(conf), pod("net")], []],
  ["a configuration that is no JSON", [nad("{type: x}")], ["nad-config error is not JSON"]],
  [
    "a configuration as YAML",
    [nad(conf).replace(/"config":"[^}]*}"/, '"config":{"type":"x"}')],
    ["nad-config error is a mapping, not text"],
  ],
  ["no cniVersion", [nad({ ...conf, cniVersion: undefined })], ["nad-config error has no cniVersion"]],
  [
    "a cniVersion that is none",
    [nad({ ...conf, cniVersion: "2.0" })],
    ['nad-config error cniVersion "2.0" is none'],
  ],
  ["no type", [nad({ ...conf, type: "" })], ["nad-config error names no plugin"]],
  [
    "sriov without a resource name",
    [nad({ ...conf, type: "sriov" })],
    ["nad-config warning type sriov without the annotation k8s.v1.cni.cncf.io/resourceName"],
  ],

  [
    "a pod's network that nobody defines",
    [nad(conf), pod("other@eth1")],
    ["pod-networks warning no NetworkAttachmentDefinition here is called apps/other"],
  ],
  ["a pod's network in JSON", [nad(conf), pod('[{"name": "net", "namespace": "apps"}]')], []],
  [
    "a pod's network in JSON that is none",
    [nad(conf), pod("[{")],
    ["pod-networks error is neither names nor a JSON list with names"],
  ],
  [
    "a network of another namespace",
    [nad(conf), pod("kube-system/net")],
    ['pod-networks error "net" is looked up in namespace kube-system, and defined in apps'],
  ],
  [
    "a default network without a namespace is Multus' own",
    [nad(conf), pod("net", undefined, "v1.multus-cni.io/default-network")],
    ['pod-networks error "net" is looked up in namespace kube-system, and defined in apps'],
  ],

  [
    "a device plugin's text that is no JSON",
    [configMap("sriovdp-config", { "config.json": "{" })],
    ["sriovdp-config error is not JSON"],
  ],
  [
    "no resourceList",
    [configMap("sriovdp-config", { "config.json": "{}" })],
    ["sriovdp-config error has no resourceList"],
  ],
  ["a range that is none", [sriovdp(pool(["p0#2-1"]))], ['sriovdp-config error "p0#2-1" is no range of VFs']],
  [
    "a resource name with a dash",
    [sriovdp(pool(["p0#1"], { resourceName: "cx-6" }))],
    ['sriovdp-config error resourceName "cx-6" has other characters than a-z, A-Z, 0-9 and _'],
  ],
  [
    "two pools with one VF",
    [sriovdp(pool(["p0#1-4"]), pool(["p0#4-6"], { resourceName: "dpdk" }))],
    ["sriovdp-config error p0#4-6 meets a range of mellanox.com/cx6"],
  ],
  [
    "two pools with VFs of their own",
    [sriovdp(pool(["p0#1-3"]), pool(["p0#4-6"], { resourceName: "dpdk" }))],
    [],
  ],

  [
    "one name in all three",
    [sriovdp(pool(["p0#1"])), nad(conf, resourceName), pod("net", both("mellanox.com/cx6"))],
    [],
  ],
  [
    "a prefix as an argument of the device plugin",
    [
      sriovdp(pool(["p0#1"], { resourcePrefix: undefined })),
      daemonSet(["--resource-prefix=mellanox.com"]),
      nad(conf, resourceName),
    ],
    [],
  ],
  [
    "no prefix",
    [sriovdp(pool(["p0#1"], { resourcePrefix: undefined })), nad(conf, resourceName)],
    ["resource-names error is mellanox.com/cx6, and the device plugin's pool is intel.com/cx6"],
  ],
  [
    "another name in the network",
    [sriovdp(pool(["p0#1"], { resourceName: "cx7" })), nad(conf, resourceName)],
    [
      "resource-names error no pool of the device plugin is called mellanox.com/cx6 (there are: mellanox.com/cx7)",
    ],
  ],
  [
    "a pod that requests nothing",
    [nad(conf, resourceName), pod("net")],
    ["resource-names error its network needs mellanox.com/cx6, and no container requests it"],
  ],
  [
    "a pod that requests it of another vendor",
    [nad(conf, resourceName), pod("net", both("nvidia.com/cx6"))],
    [
      "resource-names error its network needs mellanox.com/cx6, and no container requests it",
      "resource-names warning requests nvidia.com/cx6, where the others say mellanox.com/cx6",
    ],
  ],
  [
    "requests without limits",
    [nad(conf, resourceName), pod("net", { requests: { "mellanox.com/cx6": "1" } })],
    ["resource-names error requests mellanox.com/cx6: 1, limits none"],
  ],

  [
    "a name that no pool has, of a pool's prefix",
    [sriovdp(pool(["p0#1"])), pod("", both("mellanox.com/cx6_vfs"))],
    [
      "resource-names warning requests mellanox.com/cx6_vfs, and no pool here is called so (there are: mellanox.com/cx6)",
    ],
  ],
  [
    "one of another prefix, or of the GPUs that have the same",
    [
      sriovdp(pool(["p0#1"], { resourcePrefix: "nvidia.com" })),
      pod("", both("nvidia.com/gpu")),
      pod("", both("nvidia.com/mig-1g.5gb")),
      pod("", both("example.com/fpga")),
    ],
    [],
  ],
  [
    "one that a network names",
    [
      sriovdp(pool(["p0#1"]), pool(["p1"], { resourceName: "cx7" })),
      nad(conf, resourceName),
      pod("net", both("mellanox.com/cx6")),
    ],
    ['management-vf warning "p1" takes VF 0, which is the management port in most set-ups'],
  ],
  [
    "a device among the resources of a whole pod",
    [
      JSON.stringify({
        kind: "Pod",
        spec: { containers: [{ name: "c" }], resources: { limits: { cpu: "1", "mellanox.com/cx6": "1" } } },
      }),
    ],
    ["resource-names error mellanox.com/cx6 is below spec.resources, which is the whole pod's"],
  ],

  [
    "the management VF in a range",
    [sriovdp(pool(["enp2s0f0np0#0-2"])), dpuHost("enp2s0f0v0")],
    [
      'management-vf error "enp2s0f0np0#0-2" takes VF 0, the management port enp2s0f0v0 of 1.yaml:1 DaemonSet/ovnkube-node-dpu-host',
    ],
  ],
  ["the management VF out of the range", [sriovdp(pool(["enp2s0f0np0#1-2"])), dpuHost("enp2s0f0v0")], []],
  ["a management VF of another PF", [sriovdp(pool(["enp2s0f1np1#0-2"])), dpuHost("enp2s0f0v0")], []],
  [
    "the management VF by its representor",
    [sriovdp(pool(["enp2s0f0np0#0"])), configMap("env-overrides", { dpu: env })],
    [
      'management-vf error "enp2s0f0np0#0" takes VF 0, the management port pf0vf0 of 1.yaml:1 ConfigMap/env-overrides',
    ],
  ],
  [
    "a whole PF, with nothing said of the management VF",
    [sriovdp(pool(["p0"]))],
    ['management-vf warning "p0" takes VF 0, which is the management port in most set-ups'],
  ],

  ["a sound cluster is nothing", [cluster({}), goodSecret], []],
  [
    "master for the pool",
    [cluster({ poolName: "master" }), goodSecret],
    ['dpu-cluster-config error is "master"'],
  ],
  [
    "worker for the pool",
    [cluster({ poolName: "worker" }), goodSecret],
    ['dpu-cluster-config error is "worker"'],
  ],
  ["no pool", [cluster({ poolName: undefined }), goodSecret], ["dpu-cluster-config error is missing"]],
  [
    "labels without matchLabels",
    [cluster({ nodeSelector: { dpu: "" } }), goodSecret],
    ["dpu-cluster-config error has neither matchLabels nor matchExpressions"],
  ],
  ["a second one", [cluster({}), goodSecret, cluster({})], ["dpu-cluster-config error is the second one"]],

  [
    "a Secret with another key",
    [cluster({}), secret({ data: { kubeconfig: btoa(kubeconfig) } })],
    ['kubeconfig-secret error has no key "config" (it has: kubeconfig)'],
  ],
  [
    "a Secret that is no base64",
    [cluster({}), secret({ data: { config: kubeconfig } })],
    ["kubeconfig-secret error is not base64"],
  ],
  ["a Secret as text", [cluster({}), secret({ stringData: { config: kubeconfig } })], []],
  [
    "a Secret that is no kubeconfig",
    [cluster({}), secret({ stringData: { config: "clusters: []" } })],
    ["kubeconfig-secret error is no kubeconfig: it has no clusters, contexts, users"],
  ],
  [
    "a Secret of another namespace",
    [cluster({}), secret({}, "kube-system")],
    ['kubeconfig-secret error is in namespace "kube-system", and its DpuClusterConfig in "default"'],
  ],

  ["sound overrides are nothing", [configMap("env-overrides", { dpu: env })], []],
  [
    "no TENANT_K8S_NODE",
    [configMap("env-overrides", { dpu: "MGMT_IFNAME=pf0vf0" })],
    ["env-overrides error has no TENANT_K8S_NODE"],
  ],
  [
    "no MGMT_IFNAME",
    [configMap("env-overrides", { dpu: "TENANT_K8S_NODE=host-1" })],
    ["env-overrides warning has no MGMT_IFNAME"],
  ],
  [
    "a line that is no assignment",
    [configMap("env-overrides", { dpu: `${env}export A` })],
    ['env-overrides error "export A" is no KEY=VALUE'],
  ],
  [
    "two DPUs with one host",
    [configMap("env-overrides", { a: env, b: env })],
    ["env-overrides error TENANT_K8S_NODE=host-1 is what a has"],
  ],
  [
    "overrides in another namespace",
    [cluster({}), goodSecret, configMap("env-overrides", { dpu: env }, "x")],
    ['env-overrides warning is in namespace "x", and the DpuClusterConfig in "default"'],
  ],
])("%s", (_, texts, expected) => {
  expect(found(...texts)).toEqual(expected);
});

test("nothing of a Secret's values is printed", () => {
  const texts = [cluster({}), secret({ stringData: { config: "users: [hunter2]", other: "hunter2" } })];
  expect(JSON.stringify(lint(texts.map((text) => ({ file: "f", text }))))).not.toContain("hunter2");
});

test("a few lines that would expand to gigabytes are refused", () => {
  const bomb = ["a: &a [x, x, x, x, x, x, x, x, x]"];
  for (const [name, of] of ["ba", "cb", "dc", "ed", "fe", "gf", "hg"])
    bomb.push(`${name}: &${name} [${`*${of},`.repeat(9)}]`);
  expect(found(bomb.join("\n"))).toEqual([expect.stringMatching(/^yaml error .*alias/i)]);
});

test.each([
  ["p0", undefined],
  ["p0#0", [0]],
  ["p0#1-2", [1, 2]],
  ["p0#1,3,5-7,23", [1, 3, 5, 6, 7, 23]],
])("%s is a range", (text, vfs) => {
  expect(parseRange(text)).toEqual({ pf: "p0", vfs: vfs && new Set(vfs) });
});

test.each(["", "#1", "p0#", "p0#a", "p0#2-1", "p0#1#2", "p0#1-", "p0#99999"])("%j is no range", (text) => {
  expect(parseRange(text)).toBeUndefined();
});
