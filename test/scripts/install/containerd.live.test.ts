import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type Containerd, containerdNeeds, makeContainerd } from "../../live/containerd/containerd.ts";
import { describeWhere } from "../../live/kernel.ts";
import { makeNode, type Node } from "../../live/node.ts";
import { bin } from "../../live/plugin.ts";
import { scripts } from "./tree.ts";

describeWhere(containerdNeeds, "install.sh beside containerd", () => {
  let node: Node;
  let containerd: Containerd;
  beforeAll(async () => {
    node = makeNode(1);
    containerd = await makeContainerd(node);
    rmSync(join(root(), "bin/infra-dpu-cni"));
  });
  afterAll(async () => {
    try {
      await containerd?.[Symbol.asyncDispose]();
    } finally {
      node[Symbol.dispose]();
    }
  });

  const root = () => dirname(containerd.networks.folder);
  const install = (...options: string[]) => {
    const folders = ["--cni-bin-dir", "/bin", "--cni-conf-dir", "/net.d", "--multus-dir", "/net.d"];
    const args = ["--root", root(), "--flavor", "plain", ...folders, "--from", bin, ...options];
    return execFileSync(join(scripts, "install.sh"), args, {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  };
  const comesTo = (status: boolean) =>
    vi.waitFor(async () => expect(await containerd.networks.ready()).toMatchObject({ status }), {
      timeout: 5_000,
      interval: 20,
    });

  test("the node becomes Ready by it, refuses pods as it should, and is as before without it", async () => {
    expect(await containerd.networks.ready()).toMatchObject({
      status: false,
      reason: "NetworkPluginNotReady",
    });
    expect(install()).toContain("installed:");
    await comesTo(true);

    const pod = await containerd.runPod("host-pod", "NODE");
    expect(pod.state).toBe("SANDBOX_READY");
    const said =
      "no pod network on this node: only pods with hostNetwork: true can run here; pod default/pod asks for " +
      "network infra-dpu-cni: set hostNetwork: true in its spec, or schedule it on another node";
    const event = await containerd.runPod("pod").catch((error) => String(error));
    expect(event).toContain(said);
    const explained = execFileSync(join(bin, "multi-nic-doctor"), ["explain", "--json"], {
      encoding: "utf8",
      input: `${event}`,
    });
    expect(JSON.parse(explained)).toMatchObject({
      id: "no-pod-network",
      plugin: "infra-dpu-cni",
      network: "infra-dpu-cni",
      said,
      mender: "pod",
    });
    expect(install()).toContain("unchanged: everything is as it should be");

    expect(install("--uninstall")).toContain("removed:");
    await comesTo(false);
    await containerd.cri.stop(pod.id);
    await containerd.cri.remove(pod.id);
    pod[Symbol.dispose]();
    expect(await containerd.cri.list()).toEqual([]);
  });
});
