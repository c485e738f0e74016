import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { parseCommand } from "../../concheck/command-line.ts";
import { manifests } from "../../concheck/manifests.ts";

const options = parseCommand(
  "manifests --network team-a/rails --hosts 4 --namespace checks --image r.example/c:1 --port 7000".split(
    " ",
  ),
  {},
);
if (options.verb !== "manifests") throw new Error("it is manifests");

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly namespace: string };
  // biome-ignore lint/suspicious/noExplicitAny: kinds differ, and the tests say what they expect
  readonly spec: any;
}
const documents = parseAllDocuments(manifests(options)).map((document) => {
  expect(document.errors).toEqual([]);
  return document.toJS() as Manifest;
});
const [service, servers, job] = documents;
const templates = [servers?.spec.template, job?.spec.template];

test("they are a Service, a DaemonSet and a Job in the namespace, and no right of any sort", () => {
  expect(documents.map(({ kind }) => kind)).toEqual(["Service", "DaemonSet", "Job"]);
  expect(documents.map(({ metadata }) => metadata.namespace)).toEqual(["checks", "checks", "checks"]);
  for (const { spec } of templates) expect(spec.automountServiceAccountToken).toBe(false);
});

test("servers and clients are on the network, and know their node", () => {
  for (const { metadata, spec } of templates) {
    expect(metadata.annotations).toEqual({ "k8s.v1.cni.cncf.io/networks": "team-a/rails" });
    expect(spec.containers[0].image).toBe("r.example/c:1");
    expect(spec.containers[0].env[0]).toMatchObject({ name: "NODE_NAME" });
  }
});

test("the selectors select the servers, and the Job has a client on each node once", () => {
  expect(templates[0].metadata.labels).toMatchObject(service?.spec.selector);
  expect(templates[0].metadata.labels).toMatchObject(servers?.spec.selector.matchLabels);
  expect(job?.spec).toMatchObject({ completions: 4, parallelism: 4, backoffLimitPerIndex: 0 });
  const [spread] = templates[1].spec.topologySpreadConstraints;
  expect(templates[1].metadata.labels).toMatchObject(spread.labelSelector.matchLabels);
  expect(templates[1].metadata.labels).not.toMatchObject(service?.spec.selector);
});

test("their commands are ones that the executable takes", () => {
  const commands = templates.map(({ spec }) => spec.containers[0].command as string[]);
  expect(commands.map(([program]) => program)).toEqual(["multi-nic-concheck", "multi-nic-concheck"]);
  expect(commands.map(([, ...args]) => parseCommand(args, {}))).toMatchObject([
    { verb: "serve", port: 7000 },
    { verb: "client", servers: ["multi-nic-concheck-server.checks.svc"], hosts: 4, port: 7000 },
  ]);
});
