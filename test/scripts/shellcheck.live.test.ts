import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { describeWhere, need } from "../live/kernel.ts";

const root = join(import.meta.dirname, "../..");
const shellcheck = need(
  "shellcheck",
  spawnSync("shellcheck", ["--version"]).error === undefined,
  "there is no shellcheck; scripts/install-packages.sh test",
);

/** What does not hold for one of them, and why. */
const exceptions: Readonly<Record<string, readonly string[]>> = {
  // busybox' own shell is nearest to dash, and $job is from the kernel's command line.
  "scripts/test-kernel/init": ["--shell=dash", "--exclude=SC2154"],
  // QEMU's options have commas in them.
  "scripts/test-kernel/qemu/run.sh": ["--exclude=SC2054"],
};

const isShell = (file: string) =>
  /^#!.*\b(ba|da)?sh\b/.test(readFileSync(join(root, file), "utf8").slice(0, 80));
const filesUnder = (folder: string) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .map((file) => join(folder, file))
    .filter((file) => statSync(join(root, file)).isFile());
const scripts = ["build.sh", ...[".ci", "scripts", "test", "native", "deploy"].flatMap(filesUnder)]
  .filter(isShell)
  // Checked as one, with its parts, below.
  .filter((file) => file !== "scripts/install.sh");

/** Findings in a text, or in a file of the tree. */
function findings(options: readonly string[], input = ""): string {
  const args = ["--external-sources", "--format=gcc", ...options];
  const { stdout, stderr } = spawnSync("shellcheck", args, { cwd: root, input, encoding: "utf8" });
  return stdout + stderr;
}

describeWhere(shellcheck, "shellcheck", () => {
  test.each(scripts)("finds nothing in %s", (file) => {
    expect(findings([...(exceptions[file] ?? []), file])).toBe("");
  });

  test("finds nothing in install.sh with its parts, as build.sh puts it into dist", () => {
    const { stdout } = spawnSync(join(root, "scripts/bundle-install.sh"), { encoding: "utf8" });
    expect(stdout).toContain("take_back()");
    expect(findings(["-"], stdout)).toBe("");
  });

  test("finds nothing in the script that install.sh leaves on a node", () => {
    const keep = readFileSync(join(root, "scripts/install/keep.sh"), "utf8");
    const [, script = ""] = /^keep_script.*\n {2}cat <<'EOT'\n([\s\S]*?)^EOT$/m.exec(keep) ?? [];
    expect(script).toContain("put back");
    expect(findings(["-"], script)).toBe("");
  });

  test("finds nothing in the script of deploy/keep-infra-dpu-cni.yaml", () => {
    const manifest = readFileSync(join(root, "deploy/keep-infra-dpu-cni.yaml"), "utf8");
    const daemonSet = parseAllDocuments(manifest).at(-1)?.toJS();
    const script = daemonSet.spec.template.spec.containers[0].args[0];
    expect(script).toContain("chroot");
    expect(findings(["--shell=sh", "-"], script)).toBe("");
  });
});
