import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { lint } from "../../../doctor/manifest/serve.ts";

const here = import.meta.dirname;
const templates = join(here, "../../../conf-templates/kubernetes");
const read = (folder: string, file: string) => ({ file, text: readFileSync(join(folder, file), "utf8") });
const found = (sources: Parameters<typeof lint>[0]) =>
  lint(sources)
    .flatMap(({ findings }) => findings)
    .map(({ severity, where, what }) => `${severity} ${where}: ${what}`);

test("the DPU Network Operator's own examples are mis-indented, and are read as they were meant", () => {
  expect(found([read(here, "dpu-operator.yaml")])).toEqual([
    "error dpu-operator.yaml:3: mis-indented: metadata is empty, and name (line 4), namespace (line 5) stand beside it",
    "error dpu-operator.yaml:6: mis-indented: data is empty, and bf2-worker-advnetlab13 (line 7) stands beside it",
    "error dpu-operator.yaml:13: mis-indented: metadata is empty, and name (line 14), namespace (line 15) stand beside it",
    "error dpu-operator.yaml:16: mis-indented: spec is empty, and kubeConfigFile (line 17), poolName (line 18), nodeSelector (line 19) stand beside it",
    "note dpu-operator.yaml:11 DpuClusterConfig/dpuclusterconfig-sample: Secret tenant-cluster-1-kubeconf is not among these manifests",
    "note dpu-operator.yaml:1 ConfigMap/env-overrides data.bf2-worker-advnetlab13: MGMT_IFNAME=eth3 is a name that the kernel gives",
  ]);
});

test("OVN-Kubernetes' own examples set no resourcePrefix, and expect mellanox.com", () => {
  const source = read(here, "ovn-kubernetes.yaml");
  expect(found([source])).toEqual([
    "error ovn-kubernetes.yaml:1 NetworkAttachmentDefinition/default k8s.v1.cni.cncf.io/resourceName: is mellanox.com/mlnx_sriov_cx6, and the device plugin's pool is intel.com/mlnx_sriov_cx6",
  ]);
  const mended = source.text.replace('"resourceName"', '"resourcePrefix": "mellanox.com", "resourceName"');
  expect(found([{ file: "mended.yaml", text: mended }])).toEqual([]);
});

test("this project's own templates are sound together", () => {
  const files = readdirSync(templates).filter((file) => file.endsWith(".yaml"));
  expect(files.length).toBeGreaterThan(5);
  expect(found(files.map((file) => read(templates, file)))).toEqual([]);
});
