import { expect, test } from "vitest";
import { hostOpenVswitch } from "../../../doctor/check/host-open-vswitch.ts";
import { hwTcOffload } from "../../../doctor/check/hw-tc-offload.ts";
import { pfUp } from "../../../doctor/check/pf-up.ts";
import { sriovCapacity } from "../../../doctor/check/sriov-capacity.ts";
import { toolVersions } from "../../../doctor/check/tool-versions.ts";
import { vfDrivers } from "../../../doctor/check/vf-drivers.ts";
import { vfNames } from "../../../doctor/check/vf-names.ts";
import type { Check } from "../../../doctor/check.ts";
import { host, inPod, vfFolder } from "../bluefield.ts";
import { type Entries, finds } from "../captured.ts";

const pf = "/sys/devices/pci0000:00/0000:02:00.0";
const link = `${pf}/net/enp2s0f0np0`;
const ethtool = "/.commands/ethtool -k enp2s0f0np0";
const ovsPid = { "/var/run/openvswitch/ovs-vswitchd.pid": "812\n" };

/** A NIC of the board that could have VFs, and is not connected. */
const onboard: Entries = {
  "/sys/class/net/eno1/device/sriov_totalvfs": "7\n",
  "/sys/class/net/eno1/device/sriov_numvfs": "0\n",
  "/sys/class/net/eno1/flags": "0x1002\n",
  "/.commands/ethtool -k eno1": "Features for eno1:\nhw-tc-offload: off [fixed]\n",
};

test.each([sriovCapacity, pfUp, vfDrivers, vfNames, hwTcOffload, hostOpenVswitch, toolVersions])(
  "$id finds nothing on a host that is set up as documented",
  async (check) => {
    expect(await finds(check, host(), "host")).toEqual([]);
  },
);

test.each<[sentence: string, check: Check, entries: Entries, found: string[]]>([
  [
    "no NIC with SR-IOV is an error",
    sriovCapacity,
    host(0, { [`${pf}/sriov_totalvfs`]: undefined }),
    ["error no NIC has sriov_totalvfs above 0"],
  ],
  ["no VFs are a warning", sriovCapacity, host(0), ["warning 0 of 16 virtual functions are made"]],
  [
    "fewer VFs than the number says are an error",
    sriovCapacity,
    host(2, { [`${pf}/sriov_numvfs`]: "3" }),
    ["error says 3, and 2 virtfn links are there"],
  ],
  [
    "a PF that is down is an error",
    pfUp,
    host(3, { [`${link}/flags`]: "0x1002" }),
    ["error enp2s0f0np0 is down"],
  ],
  [
    "a PF without carrier is a warning",
    pfUp,
    host(3, { [`${link}/operstate`]: "down" }),
    ["warning enp2s0f0np0 has no carrier"],
  ],
  [
    "a VF with a larger MTU than its PF is a warning",
    pfUp,
    host(3, { [`${vfFolder(1)}/net/enp2s0f0v1/mtu`]: "9000" }),
    ["warning 9000 is more than the 1500 of enp2s0f0np0"],
  ],
  [
    "a VF without a driver is an error",
    vfDrivers,
    host(3, { [`${vfFolder(2)}/driver`]: undefined }),
    ["error VF 2 of enp2s0f0np0 has no driver"],
  ],
  [
    "a VF with another driver is a warning, and said to be in use",
    vfDrivers,
    host(3, { [`${vfFolder(2)}/driver`]: { link: "../../../bus/pci/drivers/vfio-pci" } }),
    [
      "warning the VFs of enp2s0f0np0 have different drivers (mlx5_core, vfio-pci)",
      "note VF 2: a virtual machine or a user process may have it (driver vfio-pci)",
    ],
  ],
  [
    "a VF in a pod is a note",
    vfDrivers,
    host(3, inPod(1)),
    ["note VF 1: its link is in another network namespace: a pod's"],
  ],
  [
    "a name that the kernel gave is a warning",
    vfNames,
    host(3, { [`${vfFolder(0)}/net/enp2s0f0v0/mtu`]: undefined, [`${vfFolder(0)}/net/eth3/mtu`]: "1500" }),
    ["warning VF 0 of enp2s0f0np0 is called eth3"],
  ],
  [
    "hw-tc-offload that is off is an error",
    hwTcOffload,
    host(3, { [ethtool]: "Features:\nhw-tc-offload: off\n" }),
    ["error hw-tc-offload is off"],
  ],
  [
    "hw-tc-offload that cannot be changed is said so",
    hwTcOffload,
    host(3, { [ethtool]: "Features:\nhw-tc-offload: off [fixed]\n" }),
    ["error hw-tc-offload is off [fixed]"],
  ],
  [
    "a NIC that nobody uses, beside the one with VFs, is no more than notes",
    pfUp,
    host(3, onboard),
    ["note eno1 is down"],
  ],
  ["its offload is a note as well", hwTcOffload, host(3, onboard), ["note hw-tc-offload is off [fixed]"]],
  ["and that it has no VFs", sriovCapacity, host(3, onboard), ["note 0 of 7 virtual functions are made"]],
  [
    "where no NIC has VFs, it may be meant",
    sriovCapacity,
    host(0, onboard),
    ["warning 0 of 7 virtual functions are made", "warning 0 of 16 virtual functions are made"],
  ],
  [
    "without ethtool hw-tc-offload is a note",
    hwTcOffload,
    host(3, { [ethtool]: undefined }),
    [expect.stringMatching(/^note what ethtool prints is not in the captured tree/) as string],
  ],
  [
    "Open vSwitch on the host is a warning",
    hostOpenVswitch,
    host(3, { ...ovsPid, "/proc/812/comm": "ovs-vswitchd\n" }),
    ["warning ovs-vswitchd runs here (pid 812)"],
  ],
  ["a pid file of an Open vSwitch that has ended is nothing", hostOpenVswitch, host(3, ovsPid), []],
  [
    "an iproute2 of before 4.12 is an error",
    toolVersions,
    host(3, { "/.commands/ip -V": "ip utility, iproute2-ss170501\n" }),
    ['error "ip utility, iproute2-ss170501" is older than 4.12'],
  ],
])("%s", async (_, check, entries, found) => {
  expect(await finds(check, entries, "host")).toEqual(found);
});

test("--pf names the NIC that is looked at, and one that has no SR-IOV is an error", async () => {
  expect(await finds(sriovCapacity, host(0), "host", { pf: "eth0" })).toEqual([
    "error eth0 is no NIC with sriov_totalvfs above 0",
  ]);
  expect(await finds(sriovCapacity, host(), "host", { pf: "enp2s0f0np0" })).toEqual([]);
});

test.each<[check: Check, found: string]>([
  [pfUp, "error eno1 is down"],
  [hwTcOffload, "error hw-tc-offload is off [fixed]"],
  [sriovCapacity, "warning 0 of 7 virtual functions are made"],
])("--pf says that a NIC without VFs is the one that is meant: $id", async (check, found) => {
  expect(await finds(check, host(3, onboard), "host", { pf: "eno1" })).toEqual([found]);
});
