import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { askPodResources } from "../../../lib/nic/facts/pod-resources.ts";
import { type GetOf, podWith, type Served, serveKubelet } from "../../kubelet/kubelet.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mnc-kubelet-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const pod = { uid: "uid-1", namespace: "team-a", name: "train" };
const gpu = { resource: "amd.com/gpu", id: "0000:3b:00.0", numaNode: 0 };
/** What is tested is not how long it takes on a busy machine. */
const patience = 30_000;
const other = { ...podWith("0000:99:00.0"), name: "other" };

async function ask(served: Served) {
  using kubelet = await serveKubelet(folder, served);
  return { told: await askPodResources(kubelet.socket, pod, patience), calls: kubelet.calls };
}

describe("kubelet is asked for a pod's devices", () => {
  test.each<[string, GetOf, string[], string]>([
    ["by Get where it has that", "served", ["Get"], "Get"],
    ["by List where Get is behind a gate that is closed", "disabled", ["Get", "List"], "List"],
    ["by List where it is older than Get", "unknown to it", ["List"], "List"],
  ])("%s", async (_title, get, calls, method) => {
    const asked = await ask({ pods: [other, podWith(gpu.id)], get });
    expect(asked).toEqual({ told: { method, devices: [gpu] }, calls });
  });

  test("and tells of a pod that has none", async () => {
    const { told } = await ask({ pods: [{ namespace: "team-a", name: "train" }] });
    expect(told).toEqual({ method: "Get", devices: [] });
  });

  test("among 1,000 pods", async () => {
    const pods = Array.from({ length: 1000 }, (_, at) => ({ ...podWith(`GPU-${at}`), name: `train-${at}` }));
    const { told } = await ask({ pods: [...pods, podWith(gpu.id)], get: "disabled" });
    expect(told).toEqual({ method: "List", devices: [gpu] });
  });
});

describe("why kubelet does not tell", () => {
  const many = Array.from({ length: 40_000 }, (_, at) => `GPU-${at}-${"0".repeat(100)}`);
  test.each<[string, Served, string[], RegExp]>([
    ["it does not know the pod", { pods: [other] }, ["Get", "List"], /^does not know pod team-a\/train$/],
    [
      "it knows one of that name in another namespace",
      { pods: [{ ...podWith(gpu.id), namespace: "team-b" }], get: "disabled" },
      ["Get", "List"],
      /^does not know pod team-a\/train$/,
    ],
    [
      "it lists the pod before this one too",
      { pods: [podWith("0000:99:00.0"), podWith(gpu.id)], get: "unknown to it" },
      ["List"],
      /^knows several pods team-a\/train$/,
    ],
    [
      "it is asked too often",
      { pods: [podWith(gpu.id)], get: "too often" },
      ["Get"],
      /^does not answer \(RESOURCE_EXHAUSTED: rejected by rate limit\)$/,
    ],
    [
      "its answer is larger than the limit",
      {
        pods: [
          podWith(gpu.id),
          { ...other, containers: [{ devices: [{ resource_name: "x/y", device_ids: many }] }] },
        ],
        get: "disabled",
      },
      ["Get", "List"],
      /^does not answer \(RESOURCE_EXHAUSTED: .* 4194304\)\)$/,
    ],
    [
      "the pod has more devices than any",
      {
        pods: [
          {
            ...podWith(gpu.id),
            containers: [{ devices: [{ resource_name: "x/y", device_ids: many.slice(0, 1025) }] }],
          },
        ],
      },
      ["Get"],
      /^answers with what is no answer \(one pod has more than 1024 devices\)$/,
    ],
  ])("%s", async (_title, served, calls, reason) => {
    expect(await ask(served)).toEqual({ told: { reason: expect.stringMatching(reason) }, calls });
  });

  test("it restarts between two calls", async () => {
    using kubelet = await serveKubelet(folder, { pods: [podWith(gpu.id)], get: "stops there" });
    const told = await askPodResources(kubelet.socket, pod, patience);
    expect(told).toEqual({
      reason: expect.stringMatching(/^does not answer \((UNAVAILABLE|CANCELLED): /),
    });
  });
});
