import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { holdValid } from "../../deploy/daemonset.ts";

const script = join(import.meta.dirname, "../../../scripts/install.sh");
/** As `kubectl get -o yaml` prints them, to the blank; .txt, as a formatter would lay them out in its own way. */
const read = (file: string) => readFileSync(join(import.meta.dirname, "multus", `${file}.txt`), "utf8");
const thick = read("openshift-thick.yaml");
const config = read("openshift-config.yaml");

/** What multus-off-dpus.yaml makes of it. */
const keptOff = thick.replace(
  "      containers:\n",
  `      affinity:
        nodeAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
            nodeSelectorTerms:
            - matchExpressions:
              - key: k8s.ovn.org/dpu
                operator: NotIn
                values:
                - ""
      containers:
`,
);
/** As kubectl prints a text with a blank at the end of a line. */
const quoted = config.replace(
  /\|\n[\s\S]*(?=\nkind:)/,
  String.raw`"{\n    \"cniVersion\": \"0.3.1\", \n    \"multusAutoconfigDir\": \"/host/run/multus/cni/net.d\",\n    \"readinessindicatorfile\": \"/host/run/multus/cni/net.d/10-ovn-kubernetes.conf\"\n}\n"`,
);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "multi-nic-cni-oc-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Runs it beside a stand-in for oc, as there is no cluster, that has these objects. */
function print(objects: Readonly<Record<string, string>>, options: readonly string[] = []) {
  const rows = Object.entries(objects).map(([name, yaml], at) => {
    writeFileSync(join(folder, `${at}`), yaml);
    return `*"get -n ${name} -o yaml") exec cat "${folder}/${at}" ;;`;
  });
  const oc = join(folder, "oc");
  writeFileSync(oc, `#!/bin/sh\ncase $* in\n${rows.join("\n")}\nesac\nexit 1\n`);
  chmodSync(oc, 0o755);
  const env = { PATH: `${folder}:${process.env.PATH}` };
  const args = [script, "--print-multus-dpu", ...options];
  const { status, stdout, stderr } = spawnSync("sh", args, { env, encoding: "utf8" });
  return {
    status,
    stderr,
    documents: parseAllDocuments(stdout, { strict: true }).map((each) => each.toJS()),
  };
}

/** What differs in multus-dpu from the cluster's. */
function expected(yaml: string, selector: Readonly<Record<string, string>>) {
  const daemonSet = JSON.parse(
    JSON.stringify(parse(yaml)).replace(
      "--readiness-indicator-file=/var/run/multus/cni/net.d/10-ovn-kubernetes.conf",
      "--readiness-indicator-file=/var/run/multus/cni/net.d/10-infra-dpu-cni.conf",
    ),
  );
  const { status, ...rest } = daemonSet;
  const { template } = rest.spec;
  rest.metadata = {
    name: "multus-dpu",
    namespace: daemonSet.metadata.namespace,
    labels: { app: "multus-dpu" },
  };
  rest.spec.selector = { matchLabels: { app: "multus-dpu" } };
  delete template.metadata.creationTimestamp;
  template.metadata.labels.app = "multus-dpu";
  template.spec.nodeSelector = { ...template.spec.nodeSelector, ...selector };
  for (const { configMap } of template.spec.volumes)
    if (configMap) configMap.name = "multus-dpu-daemon-config";
  return rest;
}

const openshift = (daemonSet: string, configMap = config) => ({
  "openshift-multus daemonset/multus": daemonSet,
  "openshift-multus configmap/multus-daemon-config": configMap,
});
const dpu = { "k8s.ovn.org/dpu": "" };

describe("install.sh --print-multus-dpu", () => {
  test.each<[string, string, string | undefined]>([
    ["a thick Multus", thick, config],
    ["a thick Multus that is kept off DPUs already", keptOff, config],
    ["a thick Multus whose configuration has blanks at the end of lines", thick, quoted],
    ["a thin Multus", read("openshift-thin.yaml"), undefined],
  ])(
    "of %s: another name, the DPUs' label, another indicator, and nothing else",
    (_, daemonSet, configMap) => {
      const { status, stderr, documents } = print(openshift(daemonSet, configMap));
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      const printed = documents.at(-1);
      holdValid(printed);
      expect(printed).toEqual(expected(daemonSet === keptOff ? thick : daemonSet, dpu));
      if (configMap === undefined) return expect(documents).toHaveLength(1);
      const [{ metadata, data }] = documents;
      expect(metadata).toEqual({
        name: "multus-dpu-daemon-config",
        namespace: "openshift-multus",
        labels: { app: "multus-dpu" },
      });
      expect(JSON.parse(data["daemon-config.json"])).toEqual({
        ...JSON.parse(parse(configMap).data["daemon-config.json"]),
        readinessindicatorfile: "/host/run/multus/cni/net.d/10-infra-dpu-cni.conf",
      });
    },
  );

  test("for nodes with another label, also one that it has a value for already", () => {
    const { documents } = print(openshift(thick), ["--node-selector", "kubernetes.io/os=bluefield"]);
    expect(documents.at(-1)).toEqual(expected(thick, { "kubernetes.io/os": "bluefield" }));
  });

  test("of an upstream Multus in kube-system, whose labels would make its pods another's", () => {
    const objects = {
      "kube-system daemonset/kube-multus-ds": read("plain-thick.yaml"),
      "kube-system configmap/multus-daemon-config": config,
    };
    const { status, documents } = print(objects);
    expect(status).toBe(0);
    const { spec } = holdValid(documents.at(-1));
    expect(spec.template.metadata.labels).toEqual({ app: "multus-dpu", name: "multus-dpu", tier: "node" });
    expect(spec.template.spec.nodeSelector).toEqual(dpu);
  });

  test.each<[string, Readonly<Record<string, string>>, string]>([
    ["no Multus", {}, "no Multus found"],
    [
      "no configuration of it",
      { "openshift-multus daemonset/multus": thick },
      "configmap/multus-daemon-config in openshift-multus cannot be read",
    ],
    [
      "one that waits for no file",
      openshift(thick, config.replace(/ *"readinessindicatorfile".*\n/, "")),
      "needs no multus-dpu",
    ],
    [
      "another way to indent lists",
      openshift(thick.replace(/^ {6}- args:[\s\S]*?(?=^ {6}\w)/m, (list) => list.replaceAll(/^/gm, "  "))),
      "form that is not known",
    ],
    ["something else", openshift("kind: List\nitems: [readinessindicatorfile]\n"), "form that is not known"],
  ])("is refused where there is %s", (_, objects, message) => {
    expect(print(objects)).toMatchObject({
      status: 2,
      stderr: expect.stringContaining(message),
      documents: [],
    });
  });

  test.each([
    ["a label without a value", ["--node-selector", "dpu"], "give KEY=VALUE"],
    ["a label with words for a shell", ["--node-selector", "dpu=$(reboot)"], "give KEY=VALUE"],
    ["JSON", ["--json"], "leave --json out"],
  ])("is refused with %s", (_, options, message) => {
    expect(print(openshift(thick), options)).toMatchObject({
      status: 64,
      stderr: expect.stringContaining(message),
    });
  });
});
