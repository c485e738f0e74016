import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { CniError } from "../../../lib/cni/error.ts";
import { readPodDevices } from "../../../lib/nic/facts/checkpoint.ts";
import { readDeviceClass } from "../../../lib/nic/facts/class-file.ts";
import { locateGpus } from "../../../lib/nic/facts/pod-gpus.ts";
import { readVirtualTopology } from "../../../lib/nic/facts/virtual-topology.ts";
import { type Entries, writeTree } from "../../doctor/captured.ts";

const throwsLike = (code: number, message: RegExp): Partial<CniError> =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

describe("the class file", () => {
  const read = (text: string | undefined, name = "fast") =>
    readDeviceClass(join(writeTree({ "/there": "", "/classes.json": text }), "classes.json"), name);

  test("has classes of vendors and products, in any case, with or without 0x", () => {
    const text = JSON.stringify({
      fast: { ids: [{ vendor: "0x15B3", products: ["1019", "0xA2D6"] }, { vendor: "1d0f" }] },
      slow: { ids: [{ vendor: "8086", products: [] }] },
    });
    expect(read(text)).toEqual({
      name: "fast",
      ids: [
        { vendor: "15b3", products: ["1019", "a2d6"] },
        { vendor: "1d0f", products: [] },
      ],
    });
  });

  const good = '"slow": {"ids": [{"vendor": "8086"}]}';
  test.each([
    [
      "is not there",
      undefined,
      7,
      /^class: "fast" is asked for, and there is no class file ".*"; write it like/,
    ],
    ["is not JSON", "{", 7, /is not JSON; write it like/],
    ["is a list", "[]", 7, /is no object; write it like/],
    ["lacks the class", `{${good}}`, 7, /^class: "fast" is not in class file ".*"; name one of: slow$/],
    ["has a class of no ids", `{"fast": {}, ${good}}`, 7, /has no list fast\.ids/],
    ["has a class of nothing", `{"fast": {"ids": []}, ${good}}`, 7, /has no list fast\.ids/],
    ["has an id that is none", `{"fast": {"ids": [7]}}`, 7, /has no object fast\.ids\[0\]/],
    [
      "has no list of products",
      `{"fast": {"ids": [{"vendor": "15b3", "products": "1019"}]}}`,
      7,
      /has no list fast\.ids\[0\]\.products/,
    ],
    [
      "has a number for a vendor",
      `{"fast": {"ids": [{"vendor": 1583}]}}`,
      7,
      /fast\.ids\[0\]\.vendor: 1583, which is not four hex digits/,
    ],
    [
      "has a bad product in another class",
      `{${good}, "fast": {"ids": [{"vendor": "15b3", "products": ["ConnectX"]}]}}`,
      7,
      /fast\.ids\[0\]\.products\[0\]: "ConnectX", which is not four hex digits/,
    ],
  ])("is refused where it %s", (_title, text, code, message) => {
    expect(() => read(text)).toThrow(throwsLike(code, message));
  });

  test("has no class that is only a property of every object", () => {
    expect(() => read(`{${good}}`, "constructor")).toThrow(/"constructor" is not in class file/);
  });
});

const checkpointFile = "/kubelet/device-plugins/kubelet_internal_checkpoint";
const entry = (PodUID: string, ResourceName: string, DeviceIDs: unknown) => ({
  PodUID,
  ContainerName: "train",
  ResourceName,
  DeviceIDs,
  AllocResp: "CgA=",
});
const checkpoint = (...entries: readonly object[]): Entries => ({
  [checkpointFile]: JSON.stringify({
    Data: { PodDeviceEntries: entries, RegisteredDevices: { "nvidia.com/gpu": [] } },
    Checksum: 3870670260,
  }),
});

function gpus(entries: Entries, located: Parameters<typeof locateGpus>[2] = new Map()) {
  const root = writeTree({ "/sys/": "755", ...entries });
  const sources = { sys: `${root}/sys`, proc: `${root}/proc` };
  return locateGpus(sources, readPodDevices(`${root}/kubelet`, "uid-1"), located);
}

/** A GPU of NVIDIA's driver, in sysfs and proc. */
const nvidia = (uuid: string, address: string, port: string): Entries => ({
  [`/proc/driver/nvidia/gpus/${address}/information`]: `Model: \t\t NVIDIA H100\nGPU UUID: \t ${uuid}\nBus Location: \t ${address}\n`,
  [`/sys/bus/pci/devices/${address}`]: {
    link: `../../../devices/pci0000:3a/0000:3a:00.0/${port}/${address}`,
  },
  [`/sys/devices/pci0000:3a/0000:3a:00.0/${port}/${address}/vendor`]: "0x10de\n",
});

describe("a pod's GPUs", () => {
  test("are those that kubelet gave it, with their places by the driver's UUIDs", () => {
    const found = gpus({
      ...checkpoint(
        entry("uid-1", "nvidia.com/gpu", { "1": ["GPU-a"] }),
        entry("uid-1", "openshift.io/mlxnics", { "0": ["0000:99:00.2"] }),
        entry("uid-2", "nvidia.com/gpu", { "0": ["GPU-b"] }),
      ),
      ...nvidia("GPU-a", "0000:3b:00.0", "0000:3a:01.0"),
      ...nvidia("GPU-b", "0000:3c:00.0", "0000:3a:02.0"),
    });
    expect(found).toEqual([
      { id: "GPU-a", numaNode: 1, path: ["pci0000:3a", "0000:3a:00.0", "0000:3a:01.0", "0000:3b:00.0"] },
    ]);
  });

  test.each([
    ["in the form before Kubernetes 1.20", ["GPU-a"], [{ id: "GPU-a", path: [] }]],
    ["of no NUMA node", { "-1": ["GPU-a"] }, [{ id: "GPU-a", path: [] }]],
    [
      "of several NUMA nodes",
      { "0": ["GPU-a"], "1": ["GPU-b"] },
      [
        { id: "GPU-a", numaNode: 0, path: [] },
        { id: "GPU-b", numaNode: 1, path: [] },
      ],
    ],
    ["of which one is of two NUMA nodes", { "0": ["GPU-a"], "1": ["GPU-a"] }, [{ id: "GPU-a", path: [] }]],
    ["whose list is null", { "0": null }, []],
    ["that are none", null, []],
  ])("are read %s", (_title, ids, found) => {
    expect(gpus(checkpoint(entry("uid-1", "nvidia.com/gpu", ids)))).toEqual(found);
  });

  test.each([
    ["a share", "nvidia.com/gpu.shared", "GPU-a::3"],
    ["a slice of the older form", "nvidia.com/mig-1g.5gb", "MIG-GPU-a/7/0"],
  ])("%s is where its GPU is", (_title, resource, id) => {
    const tree = {
      ...checkpoint(entry("uid-1", resource, { "0": [id] })),
      ...nvidia("GPU-a", "0000:3b:00.0", "0000:3a:01.0"),
    };
    expect(gpus(tree)).toMatchObject([
      { id, path: ["pci0000:3a", "0000:3a:00.0", "0000:3a:01.0", "0000:3b:00.0"] },
    ]);
  });

  test("of other vendors are where their PCI address says", () => {
    const tree: Entries = {
      ...checkpoint(entry("uid-1", "amd.com/gpu", { "0": ["0000:3B:00.0"] })),
      "/sys/bus/pci/devices/0000:3b:00.0": { link: "../../../devices/pci0000:3a/0000:3b:00.0" },
      "/sys/devices/pci0000:3a/0000:3b:00.0/vendor": "0x1002\n",
    };
    expect(gpus(tree)).toEqual([{ id: "0000:3B:00.0", numaNode: 0, path: ["pci0000:3a", "0000:3b:00.0"] }]);
  });

  test("are where NVIDIA's topology file says, before sysfs", () => {
    const tree = {
      ...checkpoint(entry("uid-1", "nvidia.com/gpu", { "0": ["GPU-a"] })),
      ...nvidia("GPU-a", "0000:3b:00.0", "0000:3a:01.0"),
    };
    const path = ["cpu 1", "ffff:ff:01.0", "0000:3b:00.0"];
    expect(gpus(tree, new Map([["0000:3b:00.0", { path, numaNode: 1 }]]))).toEqual([
      { id: "GPU-a", path, numaNode: 1 },
    ]);
  });

  test("count once, though a container has what an init container had before it", () => {
    const found = gpus(
      checkpoint(
        { ...entry("uid-1", "nvidia.com/gpu", { "0": ["GPU-a"] }), ContainerName: "prepare" },
        entry("uid-1", "nvidia.com/gpu", { "0": ["GPU-a"] }),
      ),
    );
    expect(found).toEqual([{ id: "GPU-a", numaNode: 0, path: [] }]);
  });

  test("are none where kubelet gave none to anybody", () => {
    expect(
      gpus({ [checkpointFile]: '{"Data":{"PodDeviceEntries":null,"RegisteredDevices":{}},"Checksum":1}' }),
    ).toEqual([]);
  });

  test.each([
    [
      "is not there",
      {},
      /topology needs kubelet's ".*kubelet_internal_checkpoint", which cannot be read \(ENOENT\); name kubelet's folder in MULTI_NIC_CNI_KUBELET_DIR/,
    ],
    ["is a folder", { [`${checkpointFile}/`]: "755" }, /cannot be read \(EISDIR\)/],
    ["is cut short", { [checkpointFile]: '{"Data":' }, /is not JSON; see that it is of this node's kubelet/],
    ["is null", { [checkpointFile]: "null" }, /has no Data\.PodDeviceEntries/],
    [
      "is something else",
      { [checkpointFile]: '{"Data":{"PodDeviceEntries":{}}}' },
      /has no Data\.PodDeviceEntries/,
    ],
    ["names no resource", checkpoint({ PodUID: "uid-1" }), /has a device of no resource/],
    [
      "has no list of ids",
      checkpoint(entry("uid-1", "nvidia.com/gpu", "GPU-a")),
      /has no list of devices of nvidia\.com\/gpu/,
    ],
    [
      "has no list of ids of a node",
      checkpoint(entry("uid-1", "nvidia.com/gpu", { "0": 7 })),
      /has no list of devices of nvidia\.com\/gpu/,
    ],
  ])("cannot be told where kubelet's checkpoint %s", (_title, entries: Entries, message) => {
    expect(() => gpus(entries)).toThrow(throwsLike(5, message));
  });
});

describe("NVIDIA's topology file", () => {
  const read = (text: string | undefined) =>
    readVirtualTopology(join(writeTree({ "/there": "", "/topology.xml": text }), "topology.xml"));

  test("says what is behind which switch, and on which NUMA node", () => {
    const found = read(`<?xml version="1.0"?>
      <!-- <pci busid="0009:00:00.0"/> -->
      <system version="1">
        <cpu numaid="0" affinity="0000ffff" arch="x86_64">
          <pci busid="FFFF:FF:01.0" class="0x060400" link_width="16">
            <pci busid="0001:00:00.0" class="0x030200"><gpu dev="0"/></pci>
            <pci busid="0101:00:00.0" class="0x020700"/>
          </pci>
        </cpu>
        <cpu numaid="1"><pci busid="0002:00:00.0"/></cpu>
      </system>`);
    expect([...found]).toEqual([
      ["ffff:ff:01.0", { path: ["cpu 0", "ffff:ff:01.0"], numaNode: 0 }],
      ["0001:00:00.0", { path: ["cpu 0", "ffff:ff:01.0", "0001:00:00.0"], numaNode: 0 }],
      ["0101:00:00.0", { path: ["cpu 0", "ffff:ff:01.0", "0101:00:00.0"], numaNode: 0 }],
      ["0002:00:00.0", { path: ["cpu 1", "0002:00:00.0"], numaNode: 1 }],
    ]);
  });

  test("says nothing where it is not there, as on bare metal", () => {
    expect(read(undefined)).toEqual(new Map());
  });

  test.each([
    ["is empty", "", /names no PCI device/],
    [
      "is cut short",
      '<system><cpu numaid="0"><pci busid="0001:00:00.0">',
      /has a <system> that is not closed/,
    ],
    ["closes what is not open", "<system></cpu></system>", /has a <\/cpu> too many/],
    ["is something else", "{}", /names no PCI device/],
  ])("is refused where it %s", (_title, text, message) => {
    expect(() => read(text)).toThrow(throwsLike(5, message));
  });
});
