import { describe, expect, test } from "vitest";
import { findPodDevices, requirePodDevices } from "../../../lib/nic/facts/pod-devices.ts";
import { type Entries, writeTree } from "../../doctor/captured.ts";
import { podWith, type ServedPod, serveKubelet } from "../../kubelet/kubelet.ts";

const pod = { uid: "uid-1", namespace: "team-a", name: "train" };
const checkpoint = (id: string): Entries => ({
  "/device-plugins/kubelet_internal_checkpoint": JSON.stringify({
    Data: {
      PodDeviceEntries: [
        { PodUID: "uid-1", ContainerName: "c", ResourceName: "amd.com/gpu", DeviceIDs: { "0": [id] } },
      ],
    },
  }),
});

/** kubelet's folder, with a kubelet that serves these pods, a checkpoint, or both. */
async function find(served: readonly ServedPod[] | undefined, entries: Entries, asked = pod) {
  const folder = writeTree({ "/there": "", ...entries });
  using _kubelet = served && (await serveKubelet(folder, { pods: served }));
  return await findPodDevices(folder, asked);
}

describe("a pod's devices are known by", () => {
  test("kubelet, though its checkpoint tells something else", async () => {
    expect(await find([podWith("0000:3b:00.0")], checkpoint("0000:99:00.0"))).toEqual({
      devices: [{ resource: "amd.com/gpu", id: "0000:3b:00.0", numaNode: 0 }],
      source: "kubelet's pod-resources (Get)",
    });
  });

  test("kubelet, though it tells of none and its checkpoint of some", async () => {
    const found = await find([{ namespace: "team-a", name: "train" }], checkpoint("0000:99:00.0"));
    expect(found).toMatchObject({ devices: [], source: "kubelet's pod-resources (Get)" });
  });

  test("kubelet, of a pod whose UID the runtime does not say", async () => {
    expect(await find([podWith("0000:3b:00.0")], {}, { ...pod, uid: "" })).toMatchObject({
      devices: [{ id: "0000:3b:00.0" }],
    });
  });

  test.each<[string, readonly ServedPod[] | undefined, Entries, Partial<typeof pod>, RegExp]>([
    [
      "there is no socket",
      undefined,
      {},
      {},
      /".*\/pod-resources\/kubelet\.sock" cannot be found \(ENOENT\)$/,
    ],
    ["it is a file", undefined, { "/pod-resources/kubelet.sock": "" }, {}, /kubelet\.sock" is no socket$/],
    ["it does not know the pod", [], {}, {}, /kubelet\.sock" does not know pod team-a\/train$/],
    [
      "the runtime says no name",
      [podWith("0000:3b:00.0")],
      {},
      { name: "" },
      /not asked, as nobody says the pod's namespace and name/,
    ],
  ])("its checkpoint where %s", async (_title, served, entries, names, reason) => {
    const found = await find(served, { ...checkpoint("0000:99:00.0"), ...entries }, { ...pod, ...names });
    expect(found).toEqual({
      devices: [{ resource: "amd.com/gpu", id: "0000:99:00.0", numaNode: 0 }],
      source: "kubelet's checkpoint",
      reason: expect.stringMatching(reason),
    });
  });

  test.each<[string, readonly ServedPod[] | undefined, Partial<typeof pod>, number, RegExp, RegExp]>([
    [
      "neither is there",
      undefined,
      {},
      5,
      /topology needs kubelet's ".*kubelet_internal_checkpoint", which cannot be read \(ENOENT\)/,
      /^kubelet's pod-resources: ".*" cannot be found \(ENOENT\)$/,
    ],
    [
      "kubelet does not know the pod, and there is no checkpoint",
      [],
      {},
      5,
      /which cannot be read/,
      /does not know pod/,
    ],
    [
      "there is no UID to look it up by",
      [],
      { uid: "" },
      4,
      /^CNI_ARGS: K8S_POD_UID is missing/,
      /does not know pod/,
    ],
  ])("nobody where %s", async (_title, served, names, code, message, details) => {
    await expect(find(served, {}, { ...pod, ...names })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
      details: expect.stringMatching(details),
    });
  });
});

describe("that pods' devices can be known", () => {
  test("is so with a socket, which is not asked", async () => {
    const folder = writeTree({ "/there": "" });
    using kubelet = await serveKubelet(folder, { pods: [] });
    requirePodDevices(folder);
    expect(kubelet.calls).toEqual([]);
  });

  test("is so with a checkpoint", () => {
    requirePodDevices(writeTree(checkpoint("GPU-a")));
  });

  test("is not so with neither", () => {
    expect(() => requirePodDevices(writeTree({ "/there": "" }))).toThrow(/which cannot be read \(ENOENT\)/);
  });
});
