import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { describeWhere } from "../../live/kernel.ts";
import { bin } from "../../live/plugin.ts";
import { runKeeper } from "./kills.ts";
import {
  binPath,
  confPath,
  executable,
  installNeeds,
  makeDist,
  makeTree,
  openshift,
  ovnConf,
  scripts,
  standInDist,
  state,
  type Tree,
} from "./tree.ts";

const templates = join(import.meta.dirname, "../../../conf-templates");
const ours = readFileSync(join(templates, "10-ovn-kubernetes.conf"), "utf8");
const statuses = ({ report }: ReturnType<Tree["install"]>) => [
  ...new Set(report.steps.map(({ status }) => status)),
];
const said = ({ report }: ReturnType<Tree["install"]>) => report.steps.map(({ what }) => what).join("\n");

describeWhere(installNeeds, "install.sh on the files of a node", () => {
  let tree: Tree;
  /** A folder with all commands but oc and kubectl. */
  let commands: string;
  beforeAll(() => {
    commands = mkdtempSync(join(tmpdir(), "multi-nic-cni-commands-"));
    execFileSync("sh", ["-c", 'ln -sf /usr/sbin/* /usr/bin/* "$0"; rm -f "$0/oc" "$0/kubectl"', commands]);
  });
  afterAll(() => rmSync(commands, { recursive: true }));
  beforeEach(() => {
    tree = openshift();
  });
  afterEach(() => tree[Symbol.dispose]());

  test.each([
    ["dash", "the real executable", ["dash"], bin, executable],
    ["busybox", "a stand-in", ["busybox", "ash"], standInDist(), join(standInDist(), "infra-dpu-cni")],
    ["bash", "a stand-in", ["bash", "--posix"], standInDist(), join(standInDist(), "infra-dpu-cni")],
  ])(
    "by %s, with %s: it installs, a second run changes nothing, and the removal leaves what was there",
    (_, __, shell, from, file) => {
      const run = (...options: string[]) => tree.install(["--from", from, ...options], shell);
      const before = tree.files();
      expect(run("--dry-run")).toMatchObject({
        exitCode: 0,
        stderr: "",
        report: { result: "would be changed" },
      });
      expect(tree.files()).toEqual(before);
      expect(existsSync(tree.path(state))).toBe(false);

      expect(run()).toMatchObject({
        exitCode: 0,
        stderr: "",
        report: { result: "installed", flavor: "openshift" },
      });
      const after = tree.files();
      expect(tree.read(confPath)).toBe(ours);
      expect(readFileSync(tree.path(binPath)).equals(readFileSync(file))).toBe(true);
      expect(after).toMatchObject({
        [binPath]: expect.stringMatching(/^755 /),
        [confPath]: expect.stringMatching(/^644 /),
      });

      const second = run();
      expect(second).toMatchObject({ exitCode: 0, stderr: "", report: { result: "unchanged" } });
      expect(statuses(second)).toEqual(["unchanged"]);
      expect(tree.files()).toEqual(after);

      expect(run("--uninstall")).toMatchObject({ exitCode: 0, stderr: "", report: { result: "removed" } });
      expect(tree.files()).toEqual(before);
      expect(existsSync(tree.path(state))).toBe(false);
      expect(run("--uninstall")).toMatchObject({ exitCode: 0, report: { result: "unchanged" } });
    },
  );

  test("in one file, as bundle-install.sh makes it, it does the same", () => {
    const bundle = tree.path("install.sh");
    execFileSync("sh", ["-c", `"${scripts}/bundle-install.sh" >"${bundle}"`]);
    const run = execFileSync("dash", [bundle, "--json", "--root", tree.root, "--from", standInDist()], {
      encoding: "utf8",
    });
    expect(JSON.parse(run)).toMatchObject({ result: "installed" });
  });

  test.each([
    ["OpenShift", ["/etc/kubernetes/cni/net.d"], "openshift", "/var/lib/cni/bin", confPath],
    [
      "MicroShift",
      ["/etc/microshift"],
      "microshift",
      "/opt/cni/bin",
      "/etc/cni/net.d/10-ovn-kubernetes.conf",
    ],
    [
      "MicroShift on ostree",
      ["/etc/microshift", "/run/ostree-booted"],
      "microshift",
      "/run/cni/bin",
      "/etc/cni/net.d/10-ovn-kubernetes.conf",
    ],
    ["any other node", ["/opt/cni/bin"], "plain", "/opt/cni/bin", "/etc/cni/net.d/10-ovn-kubernetes.conf"],
  ])("on %s it finds the folders", (_, folders, flavor, folder, conf) => {
    using node = makeTree();
    for (const each of [...folders, folder]) mkdirSync(node.path(each), { recursive: true });
    const run = node.install();
    expect(run).toMatchObject({ exitCode: 0, stderr: "", report: { flavor, cniBinDir: folder } });
    expect(Object.keys(node.files())).toEqual(expect.arrayContaining([conf, `${folder}/infra-dpu-cni`]));
  });

  test("all three plugins are one file, and each is taken away by its name", () => {
    const names = ["infra-dpu-cni", "multi-nic", "multi-nic-ipam"];
    const options = names.flatMap((name) => ["--plugin", name]);
    expect(tree.install(options)).toMatchObject({ exitCode: 0, stderr: "" });
    const links = execFileSync(
      "stat",
      ["-c", "%i", ...names.map((name) => tree.path(`/var/lib/cni/bin/${name}`))],
      { encoding: "utf8" },
    );
    expect(new Set(links.trim().split("\n")).size).toBe(1);
    tree.install(["--uninstall", "--plugin", "multi-nic", "--plugin", "multi-nic-ipam"]);
    expect(names.map((name) => existsSync(tree.path(`/var/lib/cni/bin/${name}`)))).toEqual([
      true,
      false,
      false,
    ]);
    expect(tree.read(confPath)).toBe(ours);
  });

  test("multi-nic brings multi-nic-cni, which it runs, and which goes with the last that does", () => {
    const before = tree.files();
    const clients = ["--plugin", "multi-nic", "--plugin", "multi-nic-ipam"];
    const there = () => readdirSync(tree.path("/var/lib/cni/bin")).sort();
    const installed = tree.install(["--from", bin, ...clients]);
    expect(installed, installed.stderr).toMatchObject({ exitCode: 0, stderr: "" });
    expect(there()).toEqual(["multi-nic", "multi-nic-cni", "multi-nic-ipam"]);
    expect(tree.install(["--from", bin, ...clients])).toMatchObject({ report: { result: "unchanged" } });
    expect(tree.install(["--uninstall", "--plugin", "multi-nic"])).toMatchObject({ exitCode: 0 });
    expect(there()).toEqual(["multi-nic-cni", "multi-nic-ipam"]);
    expect(tree.install(["--uninstall", "--plugin", "multi-nic-ipam"])).toMatchObject({ exitCode: 0 });
    expect(tree.files()).toEqual(before);
    expect(existsSync(tree.path(state))).toBe(false);
  });

  test("option 1 puts 10-infra-dpu-cni.conf before what is there, which it leaves", () => {
    expect(tree.install(["--option", "1"])).toMatchObject({ exitCode: 0 });
    expect(tree.read("/run/multus/cni/net.d/10-infra-dpu-cni.conf")).toBe(ours);
    expect(tree.read(confPath)).toBe(ovnConf);
  });

  test("what is on tmpfs is put back by the kept script, but over nobody's edit", () => {
    tree.install();
    const list = tree.path(`${state}/install/kept.list`);
    const keep = () => runKeeper(tree);
    expect(readFileSync(list, "utf8")).toBe(`0644  ${confPath}\n`);
    expect(keep()).toBe("");
    rmSync(tree.path("/run/multus"), { recursive: true });
    // What install.sh stages wakes the units: they are not to take it from under its hands.
    const staged = confPath.replace(/([^/]+)$/, ".$1.multi-nic-cni");
    tree.write(staged, "staged");
    expect(keep()).toContain("put back");
    expect(tree.read(confPath)).toBe(ours);
    expect(tree.read(staged)).toBe("staged");
    tree.write(confPath, ovnConf);
    expect(keep()).toContain("put back");
    tree.write(confPath, '{"type":"bridge"}');
    expect(keep()).toContain("changed by others");
    expect(tree.read(confPath)).toBe('{"type":"bridge"}');
  });

  test("the units are sound to systemd", () => {
    tree.install();
    const units = ["service", "path"].map((kind) =>
      tree.path(`/etc/systemd/system/multi-nic-cni-keep.${kind}`),
    );
    execFileSync("systemd-analyze", ["verify", "--man=no", "--generators=no", ...units], { stdio: "pipe" });
  });

  describe("refused, with the node as it was", () => {
    const dist = () => tree.path("/dist");
    test.each<[string, () => readonly string[], string]>([
      [
        "executables for another architecture",
        () => {
          makeDist(dist(), join(bin, `../linux-${process.arch === "x64" ? "arm64" : "x64"}/infra-dpu-cni`));
          return ["--from", dist()];
        },
        `use dist/linux-${process.arch}`,
      ],
      [
        "a file that is no executable",
        () => {
          makeDist(dist(), "/etc/hostname");
          return ["--from", dist()];
        },
        "is no executable for Linux",
      ],
      [
        "a checksum that differs",
        () => {
          makeDist(dist(), join(standInDist(), "stand-in"), "0".repeat(64));
          return ["--from", dist()];
        },
        "copy it again",
      ],
      ["no checksums", () => ["--from", tree.root], "SHA256SUMS is missing"],
      [
        "an executable that answers in no way of ours",
        () => {
          makeDist(dist(), "/bin/true");
          return ["--from", dist()];
        },
        "does not answer VERSION",
      ],
      [
        "a configuration that is no JSON",
        () => {
          tree.write("/bad.conf", '{"cniVersion": "0.4.0", "type": "infra-dpu-cni"');
          return ["--conf", tree.path("/bad.conf")];
        },
        "is no network configuration",
      ],
      [
        "a configuration for another plugin",
        () => {
          tree.write("/bad.conf", '{"cniVersion": "0.4.0", "type": "bridge"}');
          return ["--conf", tree.path("/bad.conf")];
        },
        'has no "type": "infra-dpu-cni"',
      ],
      [
        "a configuration that Multus would not take",
        () => {
          tree.write("/bad.conf", '{"cniVersion": "1.0", "type": "infra-dpu-cni"}');
          return ["--conf", tree.path("/bad.conf")];
        },
        'use "0.4.0"',
      ],
      [
        "a configuration that comes before ours",
        () => {
          tree.write("/run/multus/cni/net.d/05-cilium.conflist", "{}");
          return [];
        },
        "05-cilium.conflist comes before 10-ovn-kubernetes.conf",
      ],
      [
        "a CNI folder that is a link out of the tree",
        () => {
          rmSync(tree.path("/var/lib/cni/bin"), { recursive: true });
          symlinkSync("/usr/bin", tree.path("/var/lib/cni/bin"));
          return [];
        },
        "is a link out of",
      ],
      [
        "an edit of our configuration by others",
        () => {
          tree.install();
          tree.write(confPath, ours.replace('"infra-dpu-cni",', '"infra-dpu-cni", "status": "strict",'));
          return [];
        },
        "was changed by others since it was installed",
      ],
      ["no oc or kubectl for --restart-multus", () => ["--restart-multus"], "needs oc or kubectl"],
    ])("%s", (_, prepare, message) => {
      const options = prepare();
      const before = tree.files();
      const run = tree.install(options, ["dash"], { PATH: commands });
      expect(run, run.stderr).toMatchObject({ exitCode: 2, report: { result: "refused", exitCode: 2 } });
      expect(run.stderr).toContain(message);
      expect(said(run)).toContain(message);
      expect(tree.files()).toEqual(before);
    });

    test.each([
      ["an option that is none", ["--frobnicate"], "is no option"],
      ["an option without its value", ["--from"], "needs a value"],
      ["a folder with blanks", ["--cni-bin-dir", "/a b"], "absolute path"],
      ["a plugin that is none", ["--plugin", "bridge"], "name infra-dpu-cni"],
    ])("%s", (_, options, message) => {
      const run = tree.install(options);
      expect(run).toMatchObject({ exitCode: 64, stderr: expect.stringContaining(message) });
    });
  });

  describe("pods of another network", () => {
    const multusCache = (type: string) =>
      `[{"Conf":{"cniVersion":"0.4.0","name":"x","type":"${type}"},"MasterPlugin":true}]`;
    const libcniCache = (id: string, conf: string) =>
      JSON.stringify({
        kind: "cniCacheV1",
        containerId: id,
        config: Buffer.from(conf).toString("base64"),
        ifName: "eth0",
        networkName: "multus-cni-network",
        cniArgs: [
          ["IgnoreUnknown", "true"],
          ["K8S_POD_NAMESPACE", "shop"],
          ["K8S_POD_NAME", "cart-7"],
        ],
        result: { cniVersion: "0.4.0" },
      });
    const id = "4f1d".repeat(16);

    test.each<[string, Record<string, string>]>([
      [
        "Multus' cache and CRI-O's",
        {
          [`/var/lib/cni/multus/${id}`]: multusCache("ovn-k8s-cni-overlay"),
          [`/var/lib/cni/results/multus-cni-network-${id}-eth0`]: libcniCache(id, '{"type":"multus-shim"}'),
        },
      ],
      [
        "CRI-O's cache alone",
        {
          [`/var/lib/cni/results/multus-cni-network-${id}-eth0`]: libcniCache(
            id,
            '{"type": "multus", "delegates": [{"type": "ovn-k8s-cni-overlay"}]}',
          ),
        },
      ],
    ])("in %s are listed, and the switch is refused unless it is allowed", (_, files) => {
      for (const [path, text] of Object.entries(files)) tree.write(path, text);
      const before = tree.files();
      const refused = tree.install();
      expect(refused).toMatchObject({
        exitCode: 2,
        report: { attachments: [{ containerId: id, pod: "shop/cart-7", types: "ovn-k8s-cni-overlay" }] },
      });
      expect(refused.stderr).toContain(`shop/cart-7 (${id.slice(0, 13)}, ovn-k8s-cni-overlay)`);
      expect(refused.stderr).toContain("Drain the node");
      expect(tree.files()).toEqual(before);
      const allowed = tree.install(["--allow-cached-attachments"]);
      expect(allowed).toMatchObject({ exitCode: 3, report: { result: "installed" } });
      expect(tree.read(confPath)).toBe(ours);
      expect(tree.install()).toMatchObject({ exitCode: 0, report: { result: "unchanged" } });
    });

    test("that were attached by us, and loopback, are nobody's trouble", () => {
      tree.write(`/var/lib/cni/multus/${id}`, multusCache("infra-dpu-cni"));
      tree.write(`/var/lib/cni/results/cni-loopback-${id}-lo`, libcniCache(id, '{"type":"loopback"}'));
      expect(tree.install()).toMatchObject({ exitCode: 0, report: { result: "installed", attachments: [] } });
    });
  });

  describe("the removal leaves what others have made since", () => {
    test("of the configuration, and the executable that it still names", () => {
      tree.install();
      const edited = ours.replace('"type"', '"status": "strict", "type"');
      tree.write(confPath, edited);
      const run = tree.install(["--uninstall"]);
      expect(run).toMatchObject({ exitCode: 3, report: { result: "removed" } });
      expect(run.stderr).toContain("was changed by others since");
      expect(run.stderr).toContain("still names it");
      expect(tree.read(confPath)).toBe(edited);
      expect(existsSync(tree.path(binPath))).toBe(true);
      tree.write(confPath, ovnConf);
      expect(tree.install(["--uninstall"])).toMatchObject({ exitCode: 0 });
      expect(existsSync(tree.path(binPath))).toBe(false);
    });
    test("of the executable", () => {
      tree.install();
      tree.write(binPath, "another");
      expect(tree.install(["--uninstall"])).toMatchObject({
        exitCode: 3,
        stderr: expect.stringContaining("left as it is"),
      });
      expect(tree.read(binPath)).toBe("another");
      expect(tree.read(confPath)).toBe(ovnConf);
    });
  });

  test("the first backup is kept over upgrades, and put back with its mode", () => {
    tree.write(binPath, "#!/bin/bash\n# the script that was here first\n");
    chmodSync(tree.path(binPath), 0o700);
    const before = tree.files();
    expect(tree.install()).toMatchObject({ exitCode: 0 });
    tree.write("/new.conf", ours.replace("0.4.0", "1.0.0"));
    expect(tree.install(["--conf", tree.path("/new.conf")])).toMatchObject({
      exitCode: 0,
      report: { result: "installed" },
    });
    expect(tree.read(confPath)).toContain("1.0.0");
    rmSync(tree.path("/new.conf"));
    expect(tree.install(["--uninstall"])).toMatchObject({ exitCode: 0, stderr: "" });
    expect(tree.files()).toEqual(before);
  });
});
