import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  driverOfDevice,
  folderOfPci,
  isThere,
  linksOfDevice,
  portOf,
  rdmaOfDevice,
  virtualFunctionOf,
} from "../../../lib/nic/pci.ts";

const pf = "pci0000:00/0000:00:01.0/0000:01:00.0";
const [vf0, vf1] = ["pci0000:00/0000:00:01.0/0000:01:10.0", "pci0000:00/0000:00:01.0/0000:01:10.2"];
const virtio = "pci0000:00/0000:00:02.0";

let sys: string;
beforeAll(() => {
  sys = mkdtempSync(join(tmpdir(), "mnc-sys-"));
  const link = (target: string, path: string) => {
    mkdirSync(dirname(join(sys, path)), { recursive: true });
    symlinkSync(target, join(sys, path));
  };
  for (const folder of [`${pf}/net/eth0`, `${vf0}/net/eth3`, vf1, `${virtio}/virtio0/net/eth9`]) {
    mkdirSync(join(sys, "devices", folder), { recursive: true });
  }
  for (const [address, folder] of [
    ["0000:01:00.0", pf],
    ["0000:01:10.0", vf0],
    ["0000:01:10.2", vf1],
  ] as const) {
    link(`../../../devices/${folder}`, `bus/pci/devices/${address}`);
  }
  for (const [number, vf] of [vf0, vf1].entries()) {
    link("../0000:01:00.0", `devices/${vf}/physfn`);
    link(`../${vf.split("/").at(-1)}`, `devices/${pf}/virtfn${number}`);
  }
  mkdirSync(join(sys, "devices", vf0, "infiniband/mlx5_2"), { recursive: true });
  mkdirSync(join(sys, "devices", vf1, "infiniband"), { recursive: true });
  link("../../../../bus/pci/drivers/igbvf", `devices/${vf0}/driver`);
  link(`../../devices/${vf0}/net/eth3`, "class/net/eth3");
  writeFileSync(join(sys, "devices", vf0, "net/eth3/dev_port"), "0\n");
});
afterAll(() => rmSync(sys, { recursive: true }));

describe("a PCI function in sysfs", () => {
  test("has one folder, whatever namespace its link is in", () => {
    expect(folderOfPci(sys, "0000:01:10.0")).toBe(vf0);
    expect(folderOfPci(sys, "0000:01:11.0")).toBeUndefined();
    expect([vf0, vf1, "pci0000:00/0000:00:03.0"].map((folder) => isThere(sys, folder))).toEqual([
      true,
      true,
      false,
    ]);
  });

  test.each([
    ["its own link", vf0, ["eth3"]],
    ["that of its virtio device", virtio, ["eth9"]],
    ["none while a pod has it", vf1, []],
    ["none where it is gone", "pci0000:00/0000:00:03.0", []],
  ])("has %s", (_title, folder, links) => {
    expect(linksOfDevice(sys, folder)).toEqual(links);
  });

  test("may have a driver, and its link a place among the device's", () => {
    expect([driverOfDevice(sys, vf0), driverOfDevice(sys, vf1)]).toEqual(["igbvf", undefined]);
    expect([portOf(sys, "eth3"), portOf(sys, "eth4")]).toEqual([0, undefined]);
  });

  test("has RDMA devices, or another namespace has them, or it has none", () => {
    expect([vf0, vf1, pf].map((folder) => rdmaOfDevice(sys, folder))).toEqual([["mlx5_2"], [], undefined]);
  });

  test("is a virtual one by its number, or none", () => {
    expect(virtualFunctionOf(sys, vf0)).toEqual({ pfs: ["eth0"], number: 0 });
    expect(virtualFunctionOf(sys, vf1)).toEqual({ pfs: ["eth0"], number: 1 });
    expect(virtualFunctionOf(sys, pf)).toBeUndefined();
    expect(virtualFunctionOf(sys, "pci0000:00/0000:00:03.0")).toBeUndefined();
  });
});
