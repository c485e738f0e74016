import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { describeWhere } from "../../live/kernel.ts";
import { installNeeds, makeTree, openshift, ovnConf, standInDist, type Tree } from "./tree.ts";

const conf = "/etc/cni/net.d/10-ovn-kubernetes.conf";
/** As MicroShift's packages have them in /etc/crio/crio.conf.d. */
const crio = {
  "10-microshift_base.conf":
    '[crio.runtime]\nselinux = true\n\n[crio.network]\n# a comment\nplugin_dirs = [\n  "/run/cni/bin"\n]\n',
  "11-microshift-ovn.conf":
    '[crio.network]\n# "ours" is not it\ncni_default_network = "ovn-kubernetes"\n\n[crio.runtime.workloads.management]\ncni_default_network = "other"\n',
  "12-microshift-multus.conf":
    '[crio.network]\ncni_default_network = "multus-cni-network"\n\nplugin_dirs = [\n        "/run/cni/bin",\n]\n',
  "13-microshift-kindnet.conf":
    '[crio.network]\ncni_default_network = "kindnet"\nplugin_dirs = [\n\t"/usr/libexec/cni",\n]\n',
};
type Crio = Readonly<Record<string, string>>;
const pick = (...names: (keyof typeof crio)[]): Crio =>
  Object.fromEntries(names.map((name) => [name, crio[name]]));
const rpm = pick("10-microshift_base.conf", "11-microshift-ovn.conf");

/** MicroShift's folders, with CRI-O's configuration and OVN-Kubernetes' own. */
function microshift(files: Crio, folders: readonly string[] = []): Tree {
  const tree = makeTree();
  for (const folder of ["/etc/microshift", "/etc/systemd/system", ...folders])
    mkdirSync(tree.path(folder), { recursive: true });
  for (const [name, text] of Object.entries(files)) tree.write(`/etc/crio/crio.conf.d/${name}`, text);
  tree.write(conf, ovnConf);
  return tree;
}
const nameOf = (text: string): string => JSON.parse(text).name;

describeWhere(installNeeds, "install.sh where CRI-O is told its network and its folders", () => {
  let tree: Tree | undefined;
  afterEach(() => tree?.[Symbol.dispose]());

  test.each<[string, Crio, string, string]>([
    ["MicroShift's packages", rpm, "ovn-kubernetes", "/run/cni/bin"],
    [
      "a file that comes later",
      pick("11-microshift-ovn.conf", "13-microshift-kindnet.conf"),
      "kindnet",
      "/usr/libexec/cni",
    ],
    ["no name", pick("10-microshift_base.conf"), "infra-dpu-cni", "/run/cni/bin"],
    [
      "an empty name",
      { ...rpm, "20-x.conf": '[crio.network]\ncni_default_network = ""\n' },
      "infra-dpu-cni",
      "/run/cni/bin",
    ],
    ["no folders", pick("11-microshift-ovn.conf"), "ovn-kubernetes", "/opt/cni/bin"],
    [
      "an empty list of folders",
      { ...rpm, "20-x.conf": "[crio.network]\nplugin_dirs = []\n" },
      "ovn-kubernetes",
      "/opt/cni/bin",
    ],
    [
      "Multus, which is yet to come",
      { ...rpm, ...pick("12-microshift-multus.conf") },
      "infra-dpu-cni",
      "/run/cni/bin",
    ],
    [
      "the usual folder among others",
      { "x.conf": '[crio.network]\nplugin_dirs = ["/usr/libexec/cni", "/opt/cni/bin/"]' },
      "infra-dpu-cni",
      "/opt/cni/bin",
    ],
    [
      "a folder that a reboot leaves beside one on tmpfs",
      { "x.conf": "[ crio.network ]\n  plugin_dirs = [ '/run/cni/bin', '/usr/libexec/cni' ] # both\n" },
      "infra-dpu-cni",
      "/usr/libexec/cni",
    ],
    [
      "other sections only",
      {
        "x.conf":
          '[crio]\nplugin_dirs = ["/a"]\n[crio.runtime]\ncni_default_network = "a"\n#[crio.network]\nplugin_dirs = ["/b"]\n',
      },
      "infra-dpu-cni",
      "/opt/cni/bin",
    ],
  ])("by %s", (_, files, name, folder) => {
    tree = microshift(files, ["/usr/libexec/cni"]);
    const before = tree.files();
    const run = tree.install();
    expect(run, run.stderr).toMatchObject({ report: { result: "installed", cniBinDir: folder } });
    expect({
      name: nameOf(tree.read(conf)),
      there: existsSync(tree.path(`${folder}/infra-dpu-cni`)),
    }).toEqual({ name, there: true });
    expect(tree.install()).toMatchObject({ report: { result: "unchanged" } });
    expect(tree.install(["--uninstall"])).toMatchObject({ exitCode: 0, stderr: "" });
    expect(tree.files()).toEqual(before);
  });

  test("crio.conf is read before its folder", () => {
    tree = microshift(pick("11-microshift-ovn.conf"));
    tree.write(
      "/etc/crio/crio.conf",
      '[crio.network]\ncni_default_network = "first"\nplugin_dirs = ["/srv/cni"]\n',
    );
    expect(tree.install()).toMatchObject({ report: { cniBinDir: "/srv/cni" } });
    expect(nameOf(tree.read(conf))).toBe("ovn-kubernetes");
  });

  test("beside Multus, which reads the configuration, its name is our own", () => {
    tree = microshift(rpm);
    tree.write(
      "/etc/cni/net.d/00-multus.conf",
      '{"name":"multus-cni-network","type":"multus","delegates":[{"type":"infra-dpu-cni"}]}',
    );
    tree.install();
    expect(nameOf(tree.read(conf))).toBe("infra-dpu-cni");
  });

  test("OpenShift's folders are as ever", () => {
    tree = openshift();
    const text =
      '[crio.network]\nnetwork_dir = "/etc/kubernetes/cni/net.d/"\nplugin_dirs = [\n    "/var/lib/cni/bin",\n    "/usr/libexec/cni",\n]\n';
    tree.write("/etc/crio/crio.conf.d/00-default", text);
    expect(tree.install()).toMatchObject({ exitCode: 0, report: { cniBinDir: "/var/lib/cni/bin" } });
  });

  test("an earlier one's name and folder are mended, and all is taken away", () => {
    tree = microshift({}, ["/opt/cni/bin"]);
    const before = tree.files();
    tree.install();
    for (const [name, text] of Object.entries(rpm)) tree.write(`/etc/crio/crio.conf.d/${name}`, text);
    expect(tree.install()).toMatchObject({ report: { result: "installed" } });
    expect(nameOf(tree.read(conf))).toBe("ovn-kubernetes");
    expect(tree.install(["--uninstall"])).toMatchObject({ exitCode: 0, stderr: "" });
    rmSync(tree.path("/etc/crio"), { recursive: true });
    expect(tree.files()).toEqual(before);
  });

  test("multi-nic-cni stays where a client of it stays, though CRI-O has another folder by now", () => {
    tree = microshift({}, ["/opt/cni/bin"]);
    const dist = tree.path("/dist");
    execFileSync("cp", ["-r", standInDist(), dist]);
    linkSync(join(dist, "multi-nic"), join(dist, "multi-nic-cni"));
    const [line = ""] = readFileSync(join(dist, "SHA256SUMS"), "utf8").split("\n");
    appendFileSync(join(dist, "SHA256SUMS"), `${line.replace("infra-dpu-cni", "multi-nic-cni")}\n`);
    const run = tree.install(["--from", dist, "--plugin", "multi-nic", "--plugin", "multi-nic-ipam"]);
    expect(run, run.stderr).toMatchObject({ exitCode: 0 });
    for (const [name, text] of Object.entries(rpm)) tree.write(`/etc/crio/crio.conf.d/${name}`, text);
    expect(tree.install(["--uninstall", "--plugin", "multi-nic"])).toMatchObject({ exitCode: 0 });
    expect(readdirSync(tree.path("/opt/cni/bin")).sort()).toEqual(["multi-nic-cni", "multi-nic-ipam"]);
  });

  test("a configuration of one's own must have the name that CRI-O waits for", () => {
    tree = microshift(rpm);
    tree.write("/own.conf", '{"cniVersion": "0.4.0", "name": "own", "type": "infra-dpu-cni"}');
    const before = tree.files();
    const run = tree.install(["--conf", tree.path("/own.conf")]);
    expect(run).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('has not the "name": "ovn-kubernetes"'),
    });
    expect(tree.files()).toEqual(before);
  });

  describe("a configuration that comes before ours", () => {
    test.each([
      ["ends in .json, where the runtime reads the folder itself", "", 2],
      [
        "ends in .json, where Multus reads it, which takes none",
        '{"type":"multus","delegates":[{"type":"infra-dpu-cni"}]}',
        0,
      ],
    ])("%s", (_, multus, exitCode) => {
      tree = microshift({}, ["/opt/cni/bin"]);
      if (multus !== "") tree.write("/etc/cni/net.d/00-multus.conf", multus);
      tree.write("/etc/cni/net.d/05-other.json", '{"cniVersion":"0.4.0","name":"x","type":"bridge"}');
      const run = tree.install();
      expect(run, run.stderr).toMatchObject({ exitCode });
      if (exitCode !== 0) expect(run.stderr).toContain("05-other.json comes before 10-ovn-kubernetes.conf");
    });
  });
});
