import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { describeWhere } from "../../live/kernel.ts";
import { binPath, confPath, installNeeds, openshift, ovnConf, state, type Tree } from "./tree.ts";

const multusConf = "/etc/kubernetes/cni/net.d/00-multus.conf";
const restart = "delete pod -n openshift-multus -l app=multus --field-selector spec.nodeName=dpu-1";

describeWhere(installNeeds, "install.sh --uninstall beside a Multus that names infra-dpu-cni", () => {
  let tree: Tree;
  /** A folder with all commands; of oc and kubectl there is what a test puts there. */
  let commands: string;
  beforeEach(() => {
    tree = openshift();
    commands = mkdtempSync(join(tmpdir(), "multi-nic-cni-commands-"));
    execFileSync("sh", ["-c", 'ln -sf /usr/sbin/* /usr/bin/* "$0"; rm -f "$0/oc" "$0/kubectl"', commands]);
    writeFileSync(join(commands, "kubeconfig"), "");
  });
  afterEach(() => {
    rmSync(commands, { recursive: true });
    tree[Symbol.dispose]();
  });

  /** What thin Multus writes: the first configuration of its folder, in its own. */
  const thinConf = (delegate: string) =>
    JSON.stringify({ type: "multus", name: "multus-cni-network", delegates: [JSON.parse(delegate)] });
  const thin = () => tree.write(multusConf, thinConf(tree.read(confPath)));
  /** Names the file, which is read at every ADD. */
  const thick = () =>
    tree.write(multusConf, JSON.stringify({ type: "multus-shim", clusterNetwork: `/host${confPath}` }));
  /** Stands in for oc: notes what it was asked for. The Multus pod that follows does what is given. */
  const oc = (then: string) => {
    writeFileSync(join(commands, "oc"), `#!/bin/sh\necho "$*" >>${commands}/oc.log\n${then}\n`);
    chmodSync(join(commands, "oc"), 0o755);
  };
  const asked = () =>
    existsSync(join(commands, "oc.log")) ? readFileSync(join(commands, "oc.log"), "utf8") : "";
  const uninstall = (...options: string[]) =>
    tree.install(["--uninstall", "--node", "dpu-1", ...options], ["dash"], { PATH: commands });
  const restarting = () => ["--restart-multus", "--kubeconfig", join(commands, "kubeconfig")];
  /** What is there: the configuration taken back, the executable, the state. */
  const there = () => ({
    conf: tree.read(confPath) === ovnConf,
    executable: existsSync(tree.path(binPath)),
    state: existsSync(tree.path(state)),
  });
  const kept = { conf: true, executable: true, state: true };
  const gone = { conf: true, executable: false, state: false };

  describe("a thin one", () => {
    beforeEach(() => {
      tree.install();
      thin();
    });

    test("keeps the executable that every ADD and DEL would call, says so, and ends when run again", () => {
      const run = uninstall();
      expect(run).toMatchObject({ exitCode: 3, report: { result: "removed" } });
      expect(run.stderr).toContain(`${binPath} is left`);
      expect(run.stderr).toContain(`oc ${restart}`);
      expect(there()).toEqual(kept);
      expect(uninstall()).toMatchObject({ exitCode: 3 });
      expect(there()).toEqual(kept);
      thin(); // restarted by hand
      expect(uninstall()).toMatchObject({ exitCode: 0, stderr: "" });
      expect(there()).toEqual(gone);
    });

    test("is restarted when asked, and waited for", () => {
      const written = join(commands, "written");
      writeFileSync(written, thinConf(ovnConf));
      oc(`(sleep 1; cp ${written} ${tree.path(multusConf)}) >/dev/null 2>&1 &`);
      const run = uninstall(...restarting());
      expect(run, run.stderr).toMatchObject({ exitCode: 0, stderr: "", report: { result: "removed" } });
      expect(asked()).toBe(`--kubeconfig ${commands}/kubeconfig ${restart} --wait=false\n`);
      expect(there()).toEqual(gone);
    });

    test.each([
      ["does not come back within the time", "exit 0", "still names infra-dpu-cni after 1 s"],
      ["cannot be deleted", "exit 1", "could not be deleted"],
    ])("whose pod %s keeps the executable", (_, then, message) => {
      oc(then);
      const run = uninstall(...restarting(), "--wait", "1");
      expect(run).toMatchObject({ exitCode: 3, stderr: expect.stringContaining(message) });
      expect(there()).toEqual(kept);
    });

    test("is not restarted where there is no oc: refused, with nothing changed", () => {
      const before = tree.files();
      expect(uninstall("--restart-multus")).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining("needs oc or kubectl"),
      });
      expect(tree.files()).toEqual(before);
    });

    test("is foreseen by a dry run, which changes nothing", () => {
      oc("exit 0");
      const before = tree.files();
      expect(uninstall("--dry-run")).toMatchObject({
        exitCode: 3,
        stderr: expect.stringContaining("is left"),
      });
      const dry = uninstall("--dry-run", ...restarting());
      expect(dry).toMatchObject({ exitCode: 0, stderr: "" });
      expect(dry.report.steps).toContainEqual({ status: "would", what: expect.stringContaining(restart) });
      expect(asked()).toBe("");
      expect(tree.files()).toEqual(before);
    });

    test("is nobody's trouble where only multi-nic goes", () => {
      tree.install(["--plugin", "multi-nic"]);
      expect(uninstall("--plugin", "multi-nic")).toMatchObject({ exitCode: 0, stderr: "" });
    });
  });

  test("a plugin of that name that was there first comes back, with the configuration that calls it", () => {
    tree.write(binPath, "#!/bin/bash\n# the script that was here first\n");
    tree.write(confPath, '{"cniVersion":"0.4.0","name":"infra-dpu-cni","type":"infra-dpu-cni"}\n');
    thin();
    const before = tree.files();
    expect(tree.install()).toMatchObject({ exitCode: 0, report: { result: "installed" } });
    expect(uninstall()).toMatchObject({ exitCode: 0, stderr: "" });
    expect(tree.files()).toEqual(before);
    expect(existsSync(tree.path(state))).toBe(false);
  });

  test("a thick one reads the configuration that was put back, and is left alone", () => {
    oc("exit 0");
    tree.install();
    thick();
    expect(uninstall(...restarting())).toMatchObject({ exitCode: 0, stderr: "" });
    expect(asked()).toBe("");
    expect(there()).toEqual(gone);
  });

  test("a configuration of the runtime's that ends in .json keeps the executable, too", () => {
    tree.install();
    tree.write("/etc/kubernetes/cni/net.d/20-other.json", '{"name": "x", "type": "infra-dpu-cni"}');
    expect(uninstall()).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining("20-other.json still names it"),
    });
    expect(there()).toEqual(kept);
  });
});
