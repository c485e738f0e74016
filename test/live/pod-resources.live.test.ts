import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { writeTree } from "../doctor/captured.ts";
import { type GetOf, podWith, type ServedPod, serveKubelet } from "../kubelet/kubelet.ts";
import { conf } from "./conf.ts";
import { fakeKubelet } from "./fake-sysfs.ts";
import { type GpuBed, hangIn, makeGpuBed, nearEth1, nearEth2, network, podNames } from "./gpu-bed.ts";
import { makeNamespace } from "./namespaces.ts";
import { add, refused, succeed } from "./plugin.ts";

// The policy topology with the executables; kubelet is a stand-in that serves its API (test/kubelet).
let bed: GpuBed;
beforeEach(() => {
  bed = makeGpuBed();
});
afterEach(() => bed[Symbol.dispose]());

describe.each(["standalone", "multi-nicd"] as const)("by policy topology, %s, a pod gets", (through) => {
  test.each<[string, GetOf, string[]]>([
    ["Get", "served", ["Get"]],
    ["List, Get being behind a gate", "disabled", ["Get", "List"]],
    ["List, of a kubelet without Get", "unknown to it", ["List"]],
  ])(
    "the NIC next to the GPU that kubelet names by %s, whatever its checkpoint says",
    async (_title, get, calls) => {
      const kubeletDir = fakeKubelet(nearEth1);
      using kubelet = await serveKubelet(kubeletDir, { pods: [podWith(nearEth2)], get });
      expect(await bed.chosen(bed.nodeWith(kubeletDir, through))).toBe("eth2");
      expect(kubelet.calls).toEqual(calls);
      expect(bed.logged()).toEqual([]);
    },
  );

  test("that of the checkpoint, and the reason in the log, where kubelet takes the call and says nothing", async () => {
    const kubeletDir = fakeKubelet(nearEth2);
    hangIn(kubeletDir);
    expect(await bed.chosen(bed.nodeWith(kubeletDir, through))).toBe("eth2");
    expect(bed.logged()).toEqual([
      expect.stringMatching(
        /^the pod's GPUs are known by kubelet's checkpoint: .* does not answer \(DEADLINE_EXCEEDED: .*\)$/,
      ),
    ]);
  });
});

describe("by policy topology a pod gets", () => {
  const two: ServedPod = {
    ...podWith(nearEth1),
    containers: [...(podWith("cpu-0", "x/cpu").containers ?? []), ...(podWith(nearEth2).containers ?? [])],
  };
  const onNode1: ServedPod = {
    ...two,
    containers: [
      {
        devices: [
          { resource_name: "nvidia.com/gpu", device_ids: ["GPU-1"], topology: { nodes: [{ ID: 1 }] } },
        ],
      },
    ],
  };
  test.each<[string, ServedPod[]]>([
    ["next to the GPU of its second container", [two]],
    ["on the GPU's NUMA node, where nothing else is known of it", [onNode1]],
    ["next to its own GPU, not another pod's", [{ ...podWith(nearEth1), name: "other" }, podWith(nearEth2)]],
  ])("the NIC %s", async (_title, pods) => {
    const kubeletDir = writeTree({ "/there": "" });
    using _kubelet = await serveKubelet(kubeletDir, { pods });
    expect(await bed.chosen(bed.nodeWith(kubeletDir))).toBe("eth2");
  });

  test.each<[string, ServedPod[] | undefined, GetOf, string, RegExp]>([
    [
      "kubelet does not know the pod",
      [],
      "served",
      `${podNames};K8S_POD_UID=uid-1`,
      /does not know pod team-a\/train$/,
    ],
    [
      "kubelet is asked too often",
      [podWith(nearEth1)],
      "too often",
      `${podNames};K8S_POD_UID=uid-1`,
      /RESOURCE_EXHAUSTED: rejected by rate limit\)$/,
    ],
    [
      "there is no socket",
      undefined,
      "served",
      `${podNames};K8S_POD_UID=uid-1`,
      /cannot be found \(ENOENT\)$/,
    ],
    [
      "the runtime says no name",
      [podWith(nearEth1)],
      "served",
      "K8S_POD_UID=uid-1",
      /not asked, as nobody says the pod's namespace and name/,
    ],
  ])("the NIC next to the GPU of the checkpoint where %s", async (_title, pods, get, args, reason) => {
    const kubeletDir = fakeKubelet(nearEth2);
    using _kubelet = pods && (await serveKubelet(kubeletDir, { pods, get }));
    expect(await bed.chosen(bed.nodeWith(kubeletDir), {}, args)).toBe("eth2");
    expect(bed.logged()).toEqual([expect.stringMatching(reason)]);
  });

  test("an error with both reasons where neither is there, and no link", async () => {
    const on = bed.nodeWith(writeTree({ "/there": "" }));
    const { code, msg, details } = await refused(on, "ADD", network(), bed.at());
    expect({ code, msg, details }).toEqual({
      code: 5,
      msg: expect.stringMatching(/kubelet_internal_checkpoint", which cannot be read \(ENOENT\)/),
      details: expect.stringMatching(
        /^kubelet's pod-resources: ".*kubelet\.sock" cannot be found \(ENOENT\)$/,
      ),
    });
    expect(bed.pod.ipJson("link show")).toHaveLength(1);
  });

  test("nothing by a socket that the configuration names: it is not asked", async () => {
    const [kubeletDir, elsewhere] = [writeTree({ "/there": "" }), writeTree({ "/there": "" })];
    using _kubelet = await serveKubelet(kubeletDir, { pods: [podWith(nearEth2)] });
    using hostile = await serveKubelet(elsewhere, { pods: [podWith(nearEth1)] });
    const named = {
      kubeletDir: elsewhere,
      podResourcesSocket: hostile.socket,
      attachPolicy: { strategy: "topology", kubeletDir: elsewhere, socket: hostile.socket },
      args: { cni: { nics: 1, MULTI_NIC_CNI_KUBELET_DIR: elsewhere } },
      runtimeConfig: { MULTI_NIC_CNI_KUBELET_DIR: elsewhere },
    };
    expect(
      await bed.chosen(
        bed.nodeWith(kubeletDir),
        named,
        `${podNames};K8S_POD_UID=uid-1;MULTI_NIC_CNI_KUBELET_DIR=${elsewhere}`,
      ),
    ).toBe("eth2");
    expect(hostile.calls).toEqual([]);
  });
});

test("a call that waits for kubelet holds up no other of multi-nicd", async () => {
  const kubeletDir = fakeKubelet(nearEth2);
  hangIn(kubeletDir);
  using other = makeNamespace("other");
  const on = bed.nodeWith(kubeletDir, "multi-nicd");
  const quick = conf({ name: "n2", masters: ["eth1"], ipam: {} });
  const atOther = { netns: other.path, containerId: "c2" };
  /** Whether a call that began later ended earlier. */
  const overtakes = async () => {
    const ended: string[] = [];
    const waiting = add(on, network(), bed.at()).then(() => ended.push("waiting"));
    await add(on, quick, atOther).then(() => ended.push("quick"));
    await waiting;
    await succeed(on, "DEL", network(), bed.at());
    await succeed(on, "DEL", quick, atOther);
    return ended[0] === "quick";
  };
  // On a busy machine the other may take longer than the wait; where it were held up it always would.
  for (let round = 0; round < 10; round++) if (await overtakes()) return;
  expect.unreachable("the other call never came first");
});

describe("STATUS is fine", () => {
  test("with kubelet's socket, which it does not ask", async () => {
    const kubeletDir = writeTree({ "/there": "" });
    using kubelet = await serveKubelet(kubeletDir, { pods: [] });
    await succeed(bed.nodeWith(kubeletDir), "STATUS", network());
    expect(kubelet.calls).toEqual([]);
  });

  test("not so without it and a checkpoint", async () => {
    const { code, msg } = await refused(bed.nodeWith(writeTree({ "/there": "" })), "STATUS", network());
    expect([code, msg]).toEqual([50, expect.stringMatching(/kubelet_internal_checkpoint/)]);
  });
});
