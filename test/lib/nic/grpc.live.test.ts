import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { connectGrpc } from "../../../lib/nic/facts/grpc.ts";
import { askPodResources } from "../../../lib/nic/facts/pod-resources.ts";
import { describeWhere, isUml, need } from "../../live/kernel.ts";

const needs = [
  need("kernel", !isUml, "containerd is run on the machine's own kernel"),
  need(
    "containerd",
    spawnSync("containerd", ["--version"]).error === undefined,
    "there is no containerd; apt-get install containerd",
  ),
];

// kubelet's server is one of grpc-go, and so is containerd's, which Debian has.
describeWhere(needs, "a server of grpc-go", () => {
  let folder: string;
  let socket: string;
  let containerd: ReturnType<typeof spawn>;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "mnc-grpc-"));
    socket = join(folder, "socket");
    const config = [
      "version = 2",
      `root = "${folder}/root"`,
      `state = "${folder}/state"`,
      // They make folders elsewhere.
      'disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]',
      `[grpc]\naddress = "${socket}"`,
    ];
    writeFileSync(join(folder, "config.toml"), config.join("\n"));
    const words = ["-c", 'exec containerd --config "$0/config.toml" 2>"$0/output"', folder];
    containerd = spawn("sh", words, { stdio: "ignore" });
    const serves = () => expect(existsSync(socket), readFileSync(join(folder, "output"), "utf8")).toBe(true);
    await vi.waitFor(serves, 30_000);
  });
  afterAll(async () => {
    const ended = new Promise((resolve) => containerd.once("exit", resolve));
    containerd.kill("SIGKILL");
    await ended;
    rmSync(folder, { recursive: true });
  });

  test("is understood, and understands: one call after another on a connection", async () => {
    using connection = connectGrpc(socket, { ms: 30_000, bytes: 65_536 });
    for (let call = 0; call < 3; call++) {
      const answer = await connection.call(
        "/containerd.services.version.v1.Version/Version",
        new Uint8Array(0),
      );
      // VersionResponse: its field 1 is the version.
      expect(Buffer.from(answer).toString("latin1")).toMatch(/^\n.\d+\.\d+\./s);
    }
  });

  test("says that it has no such service", async () => {
    expect(await askPodResources(socket, { uid: "", namespace: "team-a", name: "train" })).toEqual({
      reason: "does not answer (UNIMPLEMENTED: unknown service v1.PodResourcesLister)",
    });
  });
});
