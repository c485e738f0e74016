import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { parseAllDocuments } from "yaml";
import { root } from "../../scripts/build/project.ts";
import { DaemonSet } from "../deploy/daemonset.ts";
import { bin } from "../live/plugin.ts";

const file = (name: string) => readFileSync(join(root, "deploy", name), "utf8");
let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "multi-nicd-deploy-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const asking = '{"cniVersion":"1.0.0"}';
const version = () =>
  spawnSync(join(bin, "multi-nic"), {
    input: asking,
    env: { CNI_COMMAND: "VERSION", MULTI_NIC_CNI_STATE_DIR: folder },
    encoding: "utf8",
  });
const status = (words: readonly string[] = [join(bin, "multi-nicd")]) => {
  const [program = "", ...args] = words;
  const ran = spawnSync(program, [...args, "status", "--json", "--state-dir", folder], { encoding: "utf8" });
  return JSON.parse(ran.stdout);
};

describe("deploy/multi-nicd", () => {
  test("systemd finds no fault with the unit and the socket", () => {
    const unit = file("multi-nicd.service").replaceAll("/opt/cni/bin", bin);
    writeFileSync(join(folder, "multi-nicd.service"), unit);
    writeFileSync(join(folder, "multi-nicd.socket"), file("multi-nicd.socket"));
    const paths = ["multi-nicd.service", "multi-nicd.socket"].map((name) => join(folder, name));
    const {
      status: code,
      stdout,
      stderr,
    } = spawnSync("systemd-analyze", ["verify", ...paths], { encoding: "utf8" });
    // It may have something to say of the machine's own units.
    const said = `${stdout}${stderr}`.split("\n").filter((line) => line.includes("multi-nicd"));
    expect({ code, said }).toEqual({ code: 0, said: [] });
  });

  test("starts with the first call where systemd holds the socket", async () => {
    const words = ["-l", join(folder, "cni.sock"), join(bin, "multi-nicd"), "--state-dir", folder];
    const systemd = spawn("systemd-socket-activate", words, { stdio: "ignore" });
    try {
      await vi.waitFor(() => expect(readFileSync("/proc/net/unix", "utf8")).toContain(`${folder}/cni.sock`));
      // It may be served by the executable, while the daemon starts.
      expect(version()).toMatchObject({ status: 0, stdout: expect.stringContaining("supportedVersions") });
      await vi.waitFor(() => expect(status()).toMatchObject({ serving: true }), { timeout: 10_000 });
      expect(version()).toMatchObject({ status: 0 });
      expect(status().served).toBeGreaterThan(0);
    } finally {
      const ended = once(systemd, "exit");
      systemd.kill("SIGTERM");
      await ended;
    }
  });

  test("the DaemonSet's command, in a root that is the host's, serves and is found ready", async () => {
    const [daemonSet] = parseAllDocuments(file("multi-nicd.yaml"))
      .map((document) => document.toJS())
      .filter(({ kind }) => kind === "DaemonSet")
      .map((json) => DaemonSet.parse(json));
    const pod = daemonSet?.spec.template.spec;
    expect(pod).toMatchObject({ hostNetwork: true, hostPID: true, volumes: [{ hostPath: { path: "/" } }] });
    const [container] = pod?.containers ?? [];
    expect(container?.volumeMounts).toEqual([
      { name: "host", mountPath: "/host", mountPropagation: "HostToContainer" },
    ]);
    const here = (command: readonly string[] = []) =>
      command.map((word) => (word === "/host" ? "/" : word.replace("/opt/cni/bin", bin)));
    const [program = "", ...args] = here(container?.command);
    const daemon = spawn(program, [...args, "--state-dir", folder], { stdio: "ignore" });
    try {
      await vi.waitFor(() => expect(status()).toMatchObject({ serving: true }), { timeout: 10_000 });
      const probe = here(container?.readinessProbe?.exec.command);
      expect(probe.at(-1)).toBe("status");
      expect(status(probe.slice(0, -1))).toMatchObject({ serving: true });
    } finally {
      daemon.kill("SIGKILL");
    }
  });
});
