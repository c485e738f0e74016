import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { JsonObject } from "../../lib/cni/json.ts";
import { podWith, serveKubelet } from "../kubelet/kubelet.ts";
import { fakeKubelet, fakeSysfs } from "../live/fake-sysfs.ts";
import { makeNode, type Node } from "../live/node.ts";

let node: Node;
beforeEach(() => {
  node = makeNode(2);
});
afterEach(() => node[Symbol.dispose]());

const script = join(import.meta.dirname, "nics-process.ts");

const command = (args: readonly string[]): string[] => [
  "ip",
  "netns",
  "exec",
  node.host.name,
  process.execPath,
  "--disable-warning=ExperimentalWarning",
  script,
  ...args,
];

function nics(args: readonly string[], more: { readonly input?: object; readonly kubelet?: string } = {}) {
  const [file = "", ...words] = command(args);
  const { status, stdout, stderr } = spawnSync(file, words, {
    encoding: "utf8",
    input: more.input === undefined ? "" : JSON.stringify(more.input),
    env: { PATH: process.env.PATH, ...node.env, MULTI_NIC_CNI_KUBELET_DIR: more.kubelet },
  });
  return { status, stdout, stderr };
}

const conf = (more: JsonObject = {}): JsonObject => ({
  cniVersion: "1.1.0",
  name: "n1",
  type: "multi-nic",
  plugin: { type: "macvlan" },
  masters: ["eth1", "eth2"],
  ...more,
});
const rows = (stdout: string) =>
  stdout
    .trimEnd()
    .split("\n")
    .map((line) => line.split(/ {2,}/));

const fakes = {
  eth1: { id: "8086:1572", path: ["0000:3a:00.0", "0000:3b:00.0"] },
  eth2: { id: "15B3:101D", path: ["0000:3a:01.0", "0000:3c:00.0"] },
};

describe("multi-nicd nics", () => {
  test("prints a line for each NIC: none of the veths of a test bed, but with --all", () => {
    expect(rows(nics([]).stdout)).toHaveLength(1);
    const [head = [], ...lines] = rows(nics(["--all"]).stdout);
    expect(head.slice(0, 5)).toEqual(["NAME", "SORT", "STATE", "SPEED", "MTU"]);
    expect(lines.map((line) => [...line.slice(0, 5), line.at(-1)])).toEqual([
      ["eth1", "virtual", "up", "10Gbit/s", "1500", "10.1.0.1/24,fd01::1/64"],
      ["eth2", "virtual", "up", "10Gbit/s", "1500", "10.2.0.1/24,fd02::1/64"],
    ]);
  });

  test("prints one JSON document", () => {
    const { nics: found } = JSON.parse(nics(["--all", "--json"]).stdout);
    expect(found).toMatchObject([
      {
        name: "eth1",
        sort: "virtual",
        addresses: ["10.1.0.1/24", "fd01::1/64"],
        networks: ["10.1.0.0/24", "fd01::/64"],
      },
      { name: "eth2" },
    ]);
  });
});

describe("multi-nicd nics --explain", () => {
  const explain = (input: JsonObject, args: readonly string[] = [], kubelet?: string) =>
    nics(["--explain", "-", ...args], kubelet === undefined ? { input } : { input, kubelet });

  test("says which NICs a pod would get, and why not the others", () => {
    node.host.ip("link set eth1 down");
    const { status, stdout } = explain(conf({ attachPolicy: { strategy: "costOpt", target: "10G" } }));
    expect({ status, said: rows(stdout) }).toEqual({
      status: 0,
      said: [
        ["network n1, policy costOpt"],
        ["NAME", "VERDICT", "REASON"],
        ["eth2", "chosen", "10 Gbit/s, 0 attachments"],
        ["eth1", "left out", "is down"],
      ],
    });
  });

  test("says why a pod would be refused, in JSON too, with exit code 1", () => {
    const { status, stdout } = explain(conf({ args: { cni: { nics: 3 } } }), ["--json"]);
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      network: "n1",
      strategy: "none",
      refusal: expect.stringMatching(/^args\.cni\.nics: 3 are asked for and 2 can be had/),
      nics: [
        { name: "eth1", interfaceIndex: 0, verdict: "spare" },
        { name: "eth2", interfaceIndex: 1, verdict: "spare" },
      ],
    });
  });

  test("goes by the class file of the state folder, and by a captured tree", () => {
    mkdirSync(node.stateDir);
    writeFileSync(join(node.stateDir, "classes.json"), '{"fast": {"ids": [{"vendor": "15b3"}]}}');
    const policy = conf({ attachPolicy: { strategy: "devClass", class: "fast" } });
    expect(rows(explain(policy, ["--sys", fakeSysfs(fakes)]).stdout).slice(2)).toEqual([
      ["eth2", "chosen", "0 attachments"],
      ["eth1", "left out", "is 8086:1572, not of class fast (15b3:any)"],
    ]);
  });

  test("goes by the GPUs of the pod that is named", () => {
    const gpu = ["0000:3a:01.0", "0000:3f:00.0"];
    const policy = conf({ attachPolicy: { strategy: "topology" }, args: { cni: { nics: 1 } } });
    const args = ["--sys", fakeSysfs(fakes, [gpu]), "--pod-uid", "uid-1"];
    const [head, , ...lines] = rows(explain(policy, args, fakeKubelet("0000:3f:00.0")).stdout);
    expect(head).toEqual([
      expect.stringMatching(
        /^network n1, policy topology, the pod's GPUs by kubelet's checkpoint \(kubelet's pod-resources: not asked/,
      ),
    ]);
    expect(lines).toEqual([
      ["eth2", "chosen", "behind the same PCIe switch (all of the pod's GPUs), 0 attachments"],
      ["eth1", "spare", "1 are asked for; on the same host bridge (all of the pod's GPUs), 0 attachments"],
    ]);
  });

  test("goes by what kubelet itself says of the pod, and says so", async () => {
    const gpu = ["0000:3a:01.0", "0000:3f:00.0"];
    const policy = conf({ attachPolicy: { strategy: "topology" }, args: { cni: { nics: 1 } } });
    const kubelet = fakeKubelet("0000:99:00.0");
    using _served = await serveKubelet(kubelet, { pods: [podWith("0000:3f:00.0")] });
    // kubelet is in this process, which must not wait for the other.
    const said = async (...args: string[]) => {
      const [file = "", ...words] = command(["--explain", "-", "--sys", fakeSysfs(fakes, [gpu]), ...args]);
      const env = { ...node.env, PATH: process.env.PATH, MULTI_NIC_CNI_KUBELET_DIR: kubelet };
      return (await execa(file, words, { env, extendEnv: false, input: JSON.stringify(policy) })).stdout;
    };
    expect(rows(await said("--pod", "team-a/train"))).toEqual([
      ["network n1, policy topology, the pod's GPUs by kubelet's pod-resources (Get)"],
      ["NAME", "VERDICT", "REASON"],
      ["eth2", "chosen", "behind the same PCIe switch (all of the pod's GPUs), 0 attachments"],
      ["eth1", "spare", "1 are asked for; on the same host bridge (all of the pod's GPUs), 0 attachments"],
    ]);
    expect(JSON.parse(await said("--json", "--pod", "team-a/train"))).toMatchObject({
      podDevices: { source: "kubelet's pod-resources (Get)", devices: [{ id: "0000:3f:00.0" }] },
    });
    expect(await said("--pod", "team-a/other", "--pod-uid", "uid-1")).toMatch(
      /by kubelet's checkpoint \(kubelet's pod-resources: ".*" does not know pod team-a\/other\)\n/,
    );
  });

  test("makes no state folder", () => {
    expect(explain(conf()).status).toBe(0);
    expect(spawnSync("ls", [node.stateDir]).status).not.toBe(0);
  });

  test.each([
    ["an option that there is not", ["--explian", "x"], 64, /explian.*\nTry multi-nicd nics --help/s],
    ["a pod without a configuration", ["--pod-uid", "u"], 64, /--pod-uid goes with --explain FILE/],
    ["a pod's name without a configuration", ["--pod", "a/b"], 64, /--pod goes with --explain FILE/],
    [
      "a pod without a namespace",
      ["--explain", "x", "--pod", "web"],
      64,
      /--pod: "web" is not NAMESPACE\/NAME/,
    ],
    ["a pod of no name", ["--explain", "x", "--pod", "a/"], 64, /--pod: "a\/" is not NAMESPACE\/NAME/],
    ["all links with a configuration", ["--all", "--explain", "x"], 64, /--all does not go with --explain/],
    [
      "a file that is not there",
      ["--explain", "/nowhere"],
      1,
      /^multi-nicd nics: --explain: "\/nowhere" cannot be read \(ENOENT\)/,
    ],
    [
      "stdin that is no JSON object",
      ["--explain", "-"],
      1,
      /^multi-nicd nics: there is no network configuration/,
    ],
  ])("refuses %s", (_title, args, status, says) => {
    const ran = nics(args);
    expect({ ...ran, stderr: "" }).toEqual({ status, stdout: "", stderr: "" });
    expect(ran.stderr).toMatch(says);
  });

  test("--help says how it is called", () => {
    expect(nics(["--help"]).stdout).toMatch(/^Usage: multi-nicd nics/);
  });
});
