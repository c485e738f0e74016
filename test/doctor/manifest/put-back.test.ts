import { expect, onTestFinished, test, vi } from "vitest";
import { readManifests } from "../../../doctor/manifest/read.ts";
import { lint } from "../../../doctor/manifest/serve.ts";

const read = (text: string) => readManifests("f.yaml", text);
const found = (text: string) => read(text).findings.map(({ where, what }) => `${where} ${what}`);

const pod = `apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
  - name: c
    image: i
`;
const container = (lines: string) => `kind: Pod\nspec:\n  containers:\n  - name: c\n${lines}`;

test.each<[sentence: string, text: string, found: string[], meant: object]>([
  [
    "annotations beside metadata",
    "kind: Pod\nmetadata:\n  name: web\nannotations:\n  a: b\nspec: {}\n",
    ["f.yaml:4 mis-indented: annotations (line 4) stands beside metadata, not in it"],
    { kind: "Pod", metadata: { name: "web", annotations: { a: "b" } }, spec: {} },
  ],
  [
    "annotations beside metadata, behind the spec",
    "kind: Pod\nmetadata:\n  name: web\nspec: {}\nannotations:\n  a: b\n",
    ["f.yaml:5 mis-indented: annotations (line 5) stands beside metadata, not in it"],
    { kind: "Pod", metadata: { name: "web", annotations: { a: "b" } }, spec: {} },
  ],
  [
    "an annotation beside annotations",
    "kind: Pod\nmetadata:\n  annotations:\n  x.io/a: b\n",
    ["f.yaml:3 mis-indented: metadata.annotations is empty, and x.io/a (line 4) stands beside it"],
    { kind: "Pod", metadata: { annotations: { "x.io/a": "b" } } },
  ],
  [
    "an annotation beside others",
    "kind: Pod\nmetadata:\n  annotations:\n    x.io/a: b\n  x.io/c: d\n",
    ["f.yaml:5 mis-indented: x.io/c (line 5) stands beside metadata.annotations, not in it"],
    { kind: "Pod", metadata: { annotations: { "x.io/a": "b", "x.io/c": "d" } } },
  ],
  [
    "a pod's spec beside it",
    "kind: Pod\nspec:\n  hostNetwork: true\ncontainers:\n- name: c\n",
    ["f.yaml:4 mis-indented: containers (line 4) stands beside spec, not in it"],
    { kind: "Pod", spec: { hostNetwork: true, containers: [{ name: "c" }] } },
  ],
  [
    "a key that no Pod has",
    "kind: Pod\nmetadata:\n  name: web\nspce: {}\n",
    ["f.yaml:4 mis-indented: spce (line 4) is no key of a Pod"],
    { kind: "Pod", metadata: { name: "web" }, spce: {} },
  ],
  [
    "keys of an empty section and others",
    "kind: Pod\nmetadata:\nname: web\nfoo: 1\n",
    [
      "f.yaml:2 mis-indented: metadata is empty, and name (line 3), foo (line 4) stand beside it",
      "f.yaml:4 mis-indented: foo (line 4) is no key of metadata",
    ],
    { kind: "Pod", metadata: { name: "web", foo: 1 } },
  ],
  [
    "limits beside empty resources",
    container("    resources:\n    limits: {a/b: 1}\n    requests: {a/b: 1}\n"),
    [
      "f.yaml:5 mis-indented: spec.containers[0].resources is empty, and limits (line 6), requests (line 7) stand beside it",
    ],
    {
      kind: "Pod",
      spec: { containers: [{ name: "c", resources: { limits: { "a/b": 1 }, requests: { "a/b": 1 } } }] },
    },
  ],
  [
    "limits beside resources",
    container("    resources:\n      requests: {a/b: 1}\n    limits: {a/b: 1}\n"),
    ["f.yaml:7 mis-indented: limits (line 7) stands beside spec.containers[0].resources, not in it"],
    {
      kind: "Pod",
      spec: { containers: [{ name: "c", resources: { requests: { "a/b": 1 }, limits: { "a/b": 1 } } }] },
    },
  ],
  [
    "a device beside its limits",
    container("    resources:\n      limits:\n        cpu: 1\n      a/b: 1\n"),
    ["f.yaml:8 mis-indented: a/b (line 8) stands beside spec.containers[0].resources.limits, not in it"],
    { kind: "Pod", spec: { containers: [{ name: "c", resources: { limits: { cpu: 1, "a/b": 1 } } }] } },
  ],
  [
    "privileged beside an empty securityContext",
    container("    securityContext:\n    privileged: true\n    tty: true\n"),
    [
      "f.yaml:5 mis-indented: spec.containers[0].securityContext is empty, and privileged (line 6) stands beside it",
    ],
    {
      kind: "Pod",
      spec: { containers: [{ name: "c", tty: true, securityContext: { privileged: true } }] },
    },
  ],
  [
    "a container's key beside the containers",
    "kind: Pod\nspec:\n  containers:\n  - name: a\n  - name: b\n  image: i\n",
    ["f.yaml:6 mis-indented: image (line 6) stands beside spec.containers, not in it"],
    { kind: "Pod", spec: { containers: [{ name: "a" }, { name: "b", image: "i" }] } },
  ],
  [
    "in the template of a DaemonSet, and all at once",
    "kind: DaemonSet\nspec:\n  template:\n    metadata:\n      name: x\n    annotations: {a: b}\n    spec:\n    containers:\n    - name: c\n      resources:\n      limits: {}\n",
    [
      "f.yaml:6 mis-indented: annotations (line 6) stands beside spec.template.metadata, not in it",
      "f.yaml:7 mis-indented: spec.template.spec is empty, and containers (line 8) stands beside it",
      "f.yaml:10 mis-indented: spec.template.spec.containers[0].resources is empty, and limits (line 11) stands beside it",
    ],
    {
      kind: "DaemonSet",
      spec: {
        template: {
          metadata: { name: "x", annotations: { a: "b" } },
          spec: { containers: [{ name: "c", resources: { limits: {} } }] },
        },
      },
    },
  ],
  [
    "data of a ConfigMap, also where a key is a number",
    "kind: ConfigMap\ndata:\n  a: b\n1: c\n",
    ["f.yaml:4 mis-indented: 1 (line 4) stands beside data, not in it"],
    { kind: "ConfigMap", data: { a: "b", 1: "c" } },
  ],
  [
    "a network's configuration",
    "kind: NetworkAttachmentDefinition\nspec: {}\nconfig: '{}'\n",
    ["f.yaml:3 mis-indented: config (line 3) stands beside spec, not in it"],
    { kind: "NetworkAttachmentDefinition", spec: { config: "{}" } },
  ],
  [
    "a key that is there already stays",
    "kind: Pod\nmetadata:\n  annotations: {a: b}\nannotations: {c: d}\n",
    ["f.yaml:4 mis-indented: annotations (line 4) stands beside metadata, not in it"],
    { kind: "Pod", metadata: { annotations: { a: "b" } }, annotations: { c: "d" } },
  ],
  [
    "a line whose anchor is below its place stays",
    "kind: Pod\nmetadata:\n  name: web\nspec:\n  nodeSelector: &a {c: d}\nannotations: *a\n",
    ["f.yaml:6 mis-indented: annotations (line 6) stands beside metadata, not in it"],
    {
      kind: "Pod",
      metadata: { name: "web" },
      spec: { nodeSelector: { c: "d" } },
      annotations: { c: "d" },
    },
  ],

  ["a sound pod", pod, [], expect.objectContaining({ kind: "Pod" })],
  [
    "empty resources with nothing beside them",
    container("    resources:\n    tty: true\n"),
    [],
    expect.anything(),
  ],
  ["a key of a newer Kubernetes", container("    newer: {}\n"), [], expect.anything()],
  [
    "metadata of another kind's own",
    "kind: Kustomization\nmetadata:\n  name: x\nnamespace: y\n",
    [],
    expect.anything(),
  ],
  [
    "an empty section of another kind",
    "kind: Other\nspec:\nfoo: 1\n",
    ["f.yaml:2 mis-indented: spec is empty, and foo (line 3) stands beside it"],
    { kind: "Other", spec: { foo: 1 } },
  ],
  ["a kind with a name of JavaScript's", "kind: constructor\nfoo: 1\n", [], { kind: "constructor", foo: 1 }],
  ["a merged mapping", "kind: Pod\nmetadata: {<<: {name: x}}\n", [], expect.anything()],
])("%s", (_, text, expected, meant) => {
  expect(found(text)).toEqual(expected);
  expect(read(text).manifests.map(({ content }) => content)).toEqual([meant]);
});

test("the objects of a List are put right as well", () => {
  const text = "kind: List\nitems:\n- kind: Pod\n  metadata:\n    name: web\n  labels: {a: b}\n";
  expect(found(text)).toEqual(["f.yaml:6 mis-indented: labels (line 6) stands beside metadata, not in it"]);
  expect(read(text).manifests).toMatchObject([
    { name: "web", content: { metadata: { labels: { a: "b" } } } },
  ]);
});

test("what is put back is looked at: the network and the device of a pod are not lost", () => {
  const text = `${pod.replace("spec:", "annotations:\n  k8s.v1.cni.cncf.io/networks: net\nspec:")}    resources:
    limits: {mellanox.com/cx6: 1}
    requests: {mellanox.com/cx6: 2}
---
kind: NetworkAttachmentDefinition
metadata: {name: other}
`;
  const all = lint([{ file: "f.yaml", text }]).flatMap(({ findings }) => findings);
  expect(all.map(({ what }) => what)).toEqual([
    expect.stringContaining("annotations (line 5)"),
    expect.stringContaining("resources is empty"),
    "no NetworkAttachmentDefinition here is called /net",
    "requests mellanox.com/cx6: 2, limits 1",
  ]);
});

test("braces of a template, which are mappings to YAML, make no noise of the library's", () => {
  const warned = vi.spyOn(process, "emitWarning");
  onTestFinished(() => warned.mockRestore());
  expect(found("kind: Pod\nmetadata:\n  name: {{ .Name }}\n")).toEqual([]);
  expect(warned).not.toHaveBeenCalled();
});
