import { expect, test } from "vitest";
import { physicalFunction } from "../../../doctor/physical-functions.ts";
import { applyVfs } from "../../../doctor/vfs/apply.ts";
import { planVfs, type VfPlan } from "../../../doctor/vfs/plan.ts";
import { host, inPod, vfFolder } from "../bluefield.ts";
import { captured, type Entries } from "../captured.ts";

function plan(entries: Entries, wanted: number): VfPlan {
  const pf = physicalFunction(captured(entries), "enp2s0f0np0");
  if (pf === undefined) throw new Error("the fixture has no physical function");
  return planVfs(pf, wanted);
}

const link = `${vfFolder(1)}/net/enp2s0f0v1`;
const renamed = {
  [`${vfFolder(0)}/net/enp2s0f0v0/mtu`]: undefined,
  [`${vfFolder(0)}/net/ovn-k8s-mp0/mtu`]: "1400",
};
const vfio = { [`${vfFolder(2)}/driver`]: { link: "../../../bus/pci/drivers/vfio-pci" } };

test.each<[sentence: string, entries: Entries, wanted: number, writes: number[], refusals: string[]]>([
  ["three of none are one write", host(0), 3, [3], []],
  ["as many as there are is no write", host(3), 3, [], []],
  ["all that can be had are one write", host(0), 16, [16], []],
  ["more take all away first", host(3), 5, [0, 5], []],
  ["fewer take all away first", host(3), 1, [0, 1], []],
  ["none is one write", host(3), 0, [0], []],
  [
    "more than can be had are refused",
    host(0),
    17,
    [],
    ["17 are more than the 16 that enp2s0f0np0 can have"],
  ],
  [
    "a VF in a pod is not pulled away",
    host(3, inPod(1)),
    5,
    [],
    [
      "VF 1 of enp2s0f0np0 (0000:02:00.4) would be pulled away: its link is in another network namespace: a pod's",
    ],
  ],
  ["as many as there are is no write though a pod has one", host(3, inPod(1)), 3, [], []],
  [
    "nor is a VF in a virtual machine",
    host(3, vfio),
    0,
    [],
    [
      "VF 2 of enp2s0f0np0 (0000:02:00.5) would be pulled away: a virtual machine or a user process may have it (driver vfio-pci)",
    ],
  ],
  [
    "nor is the management port",
    host(3, renamed),
    4,
    [],
    [
      "VF 0 of enp2s0f0np0 (0000:02:00.3) would be pulled away: ovn-k8s-mp0 is OVN-Kubernetes' management port",
    ],
  ],
  [
    "nor is a VF that carries an ipvlan",
    // The link's folder is reached by its name in /sys/class/net as well as from its device.
    host(3, { [`${link}/upper_net1-0`]: { link: "../../virtual/net/net1-0" } }),
    4,
    [],
    ["VF 1 of enp2s0f0np0 (0000:02:00.4) would be pulled away: enp2s0f0v1 carries net1-0"],
  ],
])("%s", (_, entries, wanted, writes, refusals) => {
  const { steps, refusals: refused } = plan(entries, wanted);
  expect({ writes: steps.map(({ value }) => value), refused: refused.map(({ what }) => what) }).toEqual({
    writes,
    refused: refusals,
  });
  expect(new Set(steps.map(({ path }) => path)).size).toBeLessThan(2);
});

/** sriov_numvfs_store of drivers/pci/iov.c, with 16 VFs at most; `failAt` is a number whose VFs the driver cannot make. */
function sriovNumvfs(before: number, failAt?: number) {
  const kernel = {
    now: before,
    write(_path: string, value: number) {
      const refuse = (code: string) => Object.assign(new Error(code), { code });
      if (value > 16) throw refuse("ERANGE");
      if (value === kernel.now) return;
      if (value > 0 && kernel.now > 0) throw refuse("EBUSY");
      if (value === failAt) throw refuse("ENOMEM");
      kernel.now = value;
    },
  };
  return kernel;
}

test.each([
  [0, 3],
  [3, 5],
  [3, 0],
  [5, 5],
])("the plan for %i to %i is what the kernel takes", (before, wanted) => {
  const kernel = sriovNumvfs(before);
  applyVfs(plan(host(before), wanted), kernel.write);
  expect(kernel.now).toBe(wanted);
});

test("where the kernel refuses the last step, the number from before comes back", () => {
  const kernel = sriovNumvfs(3, 8);
  expect(() => applyVfs(plan(host(3), 8), kernel.write)).toThrow(
    /^8 > .*sriov_numvfs: ENOMEM \(there are not enough PCI bus numbers.*\); enp2s0f0np0 has its 3 virtual functions again/,
  );
  expect(kernel.now).toBe(3);
});

test("where the first step is refused, nothing was changed", () => {
  const kernel = sriovNumvfs(7);
  expect(() => applyVfs(plan(host(0), 3), kernel.write)).toThrow(/EBUSY.*; enp2s0f0np0 is as it was/);
  expect(kernel.now).toBe(7);
});
