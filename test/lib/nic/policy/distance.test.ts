import { describe, expect, test } from "vitest";
import {
  describeDistances,
  distance,
  distancesTo,
  type Location,
} from "../../../../lib/nic/policy/distance.ts";
import { device, hostNic } from "./nics.ts";

const at = (path: string, numaNode?: number): Location => ({
  path: path.split(" ").filter((part) => part !== ""),
  ...(numaNode === undefined ? {} : { numaNode }),
});

describe("the distance of two devices", () => {
  test.each<[title: string, a: Location, b: Location, level: number]>([
    ["functions of one device", at("pci0 root up down nic.0"), at("pci0 root up down nic.1"), 0],
    ["two ports of one switch", at("pci0 root up down1 nic"), at("pci0 root up down2 gpu"), 0],
    ["switches behind each other", at("pci0 root up down1 nic"), at("pci0 root up down2 up2 down3 gpu"), 1],
    ["two root ports of one host bridge", at("pci0 root1 nic"), at("pci0 root2 gpu"), 2],
    ["two host bridges of one NUMA node", at("pci0 nic", 1), at("pci1 gpu", 1), 3],
    ["two NUMA nodes", at("pci0 nic", 0), at("pci1 gpu", 1), 4],
    ["two host bridges of a machine that knows no NUMA nodes", at("pci0 nic"), at("pci1 gpu"), 4],
    ["a GPU of which the NUMA node alone is known", at("pci0 nic", 0), at("", 0), 3],
    ["a GPU of which nothing is known", at("pci0 nic", 0), at(""), 4],
  ])("is that of %s", (_title, a, b, level) => {
    expect([distance(a, b), distance(b, a)]).toEqual([level, level]);
  });

  test("of a NIC without a device is the farthest", () => {
    const topology = { gpus: [{ id: "GPU-a", ...at("pci0 gpu") }], located: new Map() };
    expect(distancesTo(hostNic("veth0", { devices: [] }), topology)).toEqual([4]);
  });

  test("is told of the nearest GPUs", () => {
    const gpus = [
      { id: "GPU-a", ...at("pci0 root gpu1") },
      { id: "GPU-b", ...at("pci1 root gpu2") },
    ];
    const nic = hostNic("eth1", { devices: [device({ path: ["pci0", "root2", "nic"] })] });
    const topology = { gpus, located: new Map() };
    expect(describeDistances(distancesTo(nic, topology), topology)).toBe("on the same host bridge (GPU-a)");
    expect(describeDistances([], { gpus: [], located: new Map() })).toBe("the pod has no GPU");
  });
});
