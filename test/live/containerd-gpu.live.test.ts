import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { writeTree } from "../doctor/captured.ts";
import { podWith, serveKubelet } from "../kubelet/kubelet.ts";
import { conf } from "./conf.ts";
import { containerdNeeds, makeContainerd } from "./containerd/containerd.ts";
import { describeWhere } from "./kernel.ts";
import { makeNode } from "./node.ts";
import { ifnamesOf } from "./scene.ts";

describeWhere(containerdNeeds, "policy topology, under containerd", () => {
  test("asks kubelet for the pod by the names that containerd hands down", async () => {
    const kubeletDir = writeTree({ "/there": "" });
    const pods = [{ ...podWith("0000:3b:00.0"), namespace: "default", name: "web" }];
    using kubelet = await serveKubelet(kubeletDir, { pods, get: "disabled" });
    using node = makeNode(2);
    const env = { ...node.env, MULTI_NIC_CNI_KUBELET_DIR: kubeletDir };
    await using containerd = await makeContainerd({ ...node, env });
    const { cniVersion: _, ...plugin } = conf({
      masters: ["eth1", "eth2"],
      naming: "first-exact",
      attachPolicy: { strategy: "topology" },
      args: { cni: { nics: 1 } },
    });
    const list = { cniVersion: "1.0.0", name: "near-gpu", plugins: [plugin] };
    await containerd.networks.use("10-near-gpu.conflist", list);
    using pod = await containerd.runPod("web");
    expect(ifnamesOf(pod.netns)).toEqual(["eth0"]);
    expect(kubelet.calls).toEqual(["Get", "List"]);
    // It says why, where it had to do without.
    expect(readFileSync(node.logFile, "utf8")).not.toMatch(/checkpoint/);
    await containerd.cri.stop(pod.id);
    await containerd.cri.remove(pod.id);
  });
});
