import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { holdValid } from "./daemonset.ts";

const folder = join(import.meta.dirname, "../../deploy");
const read = (file: string) => readFileSync(join(folder, file), "utf8");

test.each(readdirSync(folder).filter((file) => file.endsWith(".yaml")))(
  "%s is YAML, without a key twice",
  (file) => {
    for (const document of parseAllDocuments(read(file), { strict: true, uniqueKeys: true })) {
      expect([...document.errors, ...document.warnings]).toEqual([]);
    }
  },
);

test("keep-infra-dpu-cni.yaml: the DaemonSet and what it stands on agree", () => {
  const documents = parseAllDocuments(read("keep-infra-dpu-cni.yaml")).map((document) => document.toJS());
  const [namespace, account, binding, daemonSet] = documents;
  expect(documents.map(({ kind }) => kind)).toEqual([
    "Namespace",
    "ServiceAccount",
    "RoleBinding",
    "DaemonSet",
  ]);
  const { metadata, spec } = holdValid(daemonSet);
  for (const each of [account, binding, daemonSet])
    expect(each.metadata.namespace).toBe(namespace.metadata.name);
  expect(spec.template.spec.serviceAccountName).toBe(account.metadata.name);
  expect(binding.subjects).toEqual([
    { kind: "ServiceAccount", name: account.metadata.name, namespace: metadata.namespace },
  ]);
  expect(spec.template.spec.nodeSelector).toEqual({ "k8s.ovn.org/dpu": "" });
});

test("keep-infra-dpu-cni.yaml: its script is one for every shell, and works where install.sh says", () => {
  const [, , , daemonSet] = parseAllDocuments(read("keep-infra-dpu-cni.yaml")).map((document) =>
    document.toJS(),
  );
  const [container] = holdValid(daemonSet).spec.template.spec.containers;
  const [script = ""] = container?.args ?? [];
  execFileSync("sh", ["-n", "-c", script]);
  const state = /^ {2}state=(\S+)$/m.exec(readFileSync(join(folder, "../scripts/install/node.sh"), "utf8"));
  expect(script).toContain(`keep=${state?.[1]}/keep.sh`);
});

test("multus-off-dpus.yaml leaves the cluster's Multus the very nodes that multus-dpu is not for", () => {
  const { spec } = parse(read("multus-off-dpus.yaml"));
  const { nodeAffinity } = spec.template.spec.affinity;
  // In a node selector KEY=VALUE is "In [VALUE]"; NotIn holds where there is no such label, too.
  expect(nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution).toEqual({
    nodeSelectorTerms: [{ matchExpressions: [{ key: "k8s.ovn.org/dpu", operator: "NotIn", values: [""] }] }],
  });
});
