import { join } from "node:path";
import type { ServiceDefinition } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { PodDevice } from "../../../lib/nic/facts/pod-device.ts";
import { decodeDevices, getRequest, MalformedAnswer } from "../../../lib/nic/facts/pod-resources-message.ts";
import type { ServedContainer, ServedPod } from "../../kubelet/kubelet.ts";

/** The messages as another implementation of protocol buffers has them. */
const { List, Get } = loadSync(join(import.meta.dirname, "../../kubelet/pod-resources.proto"), {
  keepCase: true,
})["v1.PodResourcesLister"] as unknown as ServiceDefinition;

const listed = (...pods: readonly object[]): Buffer =>
  (List as NonNullable<typeof List>).responseSerialize({ pod_resources: pods });
const pod = { namespace: "team-a", name: "train" };
const given = (...containers: readonly ServedContainer[]): ServedPod => ({ ...pod, containers });
const gpu = (id: string, ...nodes: readonly number[]) => ({
  resource_name: "nvidia.com/gpu",
  device_ids: [id],
  ...(nodes.length === 0 ? {} : { topology: { nodes: nodes.map((ID) => ({ ID })) } }),
});
const known = (id: string, numaNode?: number): PodDevice => ({
  resource: "nvidia.com/gpu",
  id,
  ...(numaNode === undefined ? {} : { numaNode }),
});

describe("an answer of kubelet's pod-resources", () => {
  test.each<[string, object[], PodDevice[][]]>([
    ["of no pod at all", [], []],
    ["of other pods only", [{ ...given({ devices: [gpu("GPU-a")] }), name: "other" }], []],
    ["of a pod with no containers", [pod], [[]]],
    ["of a pod with a container of no devices", [given({ name: "c" })], [[]]],
    ["of a device of NUMA node 0", [given({ devices: [gpu("GPU-a", 0)] })], [[known("GPU-a", 0)]]],
    [
      "of a device of NUMA node 0 as Go writes it, without the 0",
      [{ ...pod, containers: [{ devices: [{ ...gpu("GPU-a"), topology: { nodes: [{}] } }] }] }],
      [[known("GPU-a", 0)]],
    ],
    ["of a device of NUMA node 300", [given({ devices: [gpu("GPU-a", 300)] })], [[known("GPU-a", 300)]]],
    ["of a device without a NUMA node", [given({ devices: [gpu("GPU-a")] })], [[known("GPU-a")]]],
    ["of a device of two NUMA nodes", [given({ devices: [gpu("GPU-a", 0, 1)] })], [[known("GPU-a")]]],
    ["of a device of a NUMA node below 0", [given({ devices: [gpu("GPU-a", -1)] })], [[known("GPU-a")]]],
    [
      "of several devices of one resource",
      [given({ devices: [{ ...gpu("", 1), device_ids: ["GPU-a", "GPU-b"] }] })],
      [[known("GPU-a", 1), known("GPU-b", 1)]],
    ],
    [
      "of two containers",
      [given({ devices: [gpu("GPU-a", 0)] }, { devices: [gpu("GPU-b", 1)] })],
      [[known("GPU-a", 0), known("GPU-b", 1)]],
    ],
    [
      "of one device in two containers",
      [given({ devices: [gpu("GPU-a", 0)] }, { devices: [gpu("GPU-a", 0)] })],
      [[known("GPU-a", 0)]],
    ],
    [
      "of one id under two resources",
      [given({ devices: [gpu("a"), { resource_name: "x/y", device_ids: ["a"] }] })],
      [[known("a"), { resource: "x/y", id: "a" }]],
    ],
    ["of two pods of the name", [given({ devices: [gpu("GPU-a")] }), given()], [[known("GPU-a")], []]],
    [
      "with processors, memory and claims too",
      [
        given({
          cpu_ids: [0, 1, 200],
          memory: [{ memory_type: "memory", size: 1e10, topology: { nodes: [{ ID: 1 }] } }],
          devices: [gpu("GPU-a", 0)],
          dynamic_resources: [{ claim_name: "gpu", claim_resources: [{ driver_name: "gpu.nvidia.com" }] }],
        }),
      ],
      [[known("GPU-a", 0)]],
    ],
  ])("%s", (_title, pods, devices) => {
    expect(decodeDevices(listed(...pods), pod)).toEqual(devices);
  });

  const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");
  const inPod = (fields: string) => {
    const message = Buffer.concat([hex("0a05 747261696e 1206 7465616d2d61"), hex(fields)]);
    return Buffer.concat([Buffer.from([0x0a, message.length]), message]);
  };

  test("may have fields that are not known, of every kind", () => {
    const fields = `78 01 79 0000000000000000 7a 02 6869 7d 00000000 7b 78 01 7c`;
    expect(decodeDevices(inPod(fields), pod)).toEqual([[]]);
  });

  test("may have a field of another kind than is known: it is not that one", () => {
    expect(decodeDevices(inPod("18 07"), pod)).toEqual([[]]);
    expect(decodeDevices(hex("08 07"), pod)).toEqual([]);
  });

  test("has the last of two names", () => {
    expect(decodeDevices(inPod("0a05 6f74686572"), pod)).toEqual([]);
  });

  test.each([
    ["is cut in a length", hex("0a")],
    ["is cut in a text", hex("0a 05 0a 05 61")],
    ["has a length beyond its end", hex("0a 7f 00")],
    ["has a length of 4 GiB", hex("0a ff ff ff ff 0f")],
    ["has a number that does not end", hex("08 ff ff ff ff ff ff ff ff ff ff ff")],
    ["has a field 0", hex("00 00")],
    ["has a kind that there is not", hex("0f 00")],
    ["closes a group that is not open", hex("0c")],
    ["opens a group that does not end", hex("0b 78 01")],
    ["opens a group in a group in a group …", Buffer.alloc(100_000, 0x0b)],
    ["has a name that is no text", hex("0a 03 0a 01 ff")],
    ["has an id that is no text", inPod("1a 07 12 05 0a 00 12 01 ff")],
  ])("is refused where it %s", (_title, answer) => {
    expect(() => decodeDevices(answer, pod)).toThrow(MalformedAnswer);
  });

  test("is devices or MalformedAnswer, whatever the bytes", () => {
    const valid = listed(
      given({ name: "c", devices: [gpu("GPU-a", 0), gpu("GPU-b", 1)], cpu_ids: [1] }),
      given(),
    );
    const damaged = fc
      .tuple(fc.nat(valid.length - 1), fc.uint8Array({ maxLength: 6 }), fc.nat(6))
      .map(([at, bytes, gone]) => Buffer.concat([valid.subarray(0, at), bytes, valid.subarray(at + gone)]));
    const check = (answer: Uint8Array) => {
      try {
        for (const { id } of decodeDevices(answer, pod).flat()) expect(typeof id).toBe("string");
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedAnswer);
      }
    };
    fc.assert(fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 64 })), check), { numRuns: 2000 });
  });

  test("has what was put into it", () => {
    const id = fc.string({ minLength: 1, unit: "grapheme" });
    const device = fc.record({ resource: id, id }, { requiredKeys: ["resource", "id"] });
    fc.assert(
      fc.property(fc.uniqueArray(device, { selector: (each) => JSON.stringify(each) }), (devices) => {
        const served = devices.map((each) => ({ resource_name: each.resource, device_ids: [each.id] }));
        expect(decodeDevices(listed(given({ devices: served })), pod)).toEqual([devices]);
      }),
    );
  });
});

test.each([
  ["short", pod],
  ["long and beyond ASCII", { namespace: "ä".repeat(100), name: "x".repeat(253) }],
])("a request of Get is read as it was meant: %s", (_title, { namespace, name }) => {
  const read = (Get as NonNullable<typeof Get>).requestDeserialize(
    Buffer.from(getRequest({ namespace, name })),
  );
  expect(read).toMatchObject({ pod_name: name, pod_namespace: namespace });
});
