import { expect, test } from "vitest";
import { openVswitchBridges } from "../../../doctor/check/open-vswitch-bridges.ts";
import { openVswitchSettings } from "../../../doctor/check/open-vswitch-settings.ts";
import { representors } from "../../../doctor/check/representors.ts";
import { switchdev } from "../../../doctor/check/switchdev.ts";
import { toolVersions } from "../../../doctor/check/tool-versions.ts";
import type { Check } from "../../../doctor/check.ts";
import { bridges, dpu, ovs, settings, switchPort } from "../bluefield.ts";
import { captured, type Entries, finds } from "../captured.ts";

const { external_ids } = settings;
const without = (key: string) =>
  ovs(
    {
      ...settings,
      external_ids: Object.fromEntries(Object.entries(external_ids).filter(([name]) => name !== key)),
    },
    bridges,
  );
const legacy = (name: string, port: string) => switchPort(name, port, "0x1003", "");

test.each([switchdev, representors, openVswitchSettings, openVswitchBridges, toolVersions])(
  "$id finds nothing on a DPU that is set up as documented",
  async (check) => {
    expect(await finds(check, dpu(), "dpu")).toEqual([]);
  },
);

test.each<[sentence: string, check: Check, entries: Entries, found: string[]]>([
  [
    "legacy mode is an error",
    switchdev,
    { ...legacy("p0", ""), "/sys/class/net/p0/device": { link: "../../../0000:03:00.0" } },
    ["error no link has one"],
  ],
  ["representors are no matter in legacy mode", representors, legacy("p0", ""), []],
  [
    "no port for the host is an error, and none for a VF a warning",
    representors,
    switchPort("p0", "p0"),
    ["error no port stands for the host (pf0)", "warning no port stands for a VF of the host (pf0vf0)"],
  ],
  [
    "names with a controller's number are representors as well",
    representors,
    { ...switchPort("p0", "p0"), ...switchPort("a", "c1pf0"), ...switchPort("b", "c1pf0vf3") },
    [],
  ],
  [
    "an uplink that is down is an error, and a VF's representor that is down is not",
    representors,
    dpu({ ...switchPort("p0", "p0", "0x1002"), ...switchPort("pf0vf1", "pf0vf1", "0x1002") }),
    ["error p0 (uplink) is down"],
  ],
  [
    "hw-offload that is not set is an error",
    openVswitchSettings,
    dpu(ovs({ external_ids }, bridges)),
    ["error is not set"],
  ],
  [
    "hw-offload that is false is an error",
    openVswitchSettings,
    dpu(ovs({ ...settings, other_config: { "hw-offload": "false" } }, bridges)),
    ['error is "false"'],
  ],
  [
    "no host-k8s-nodename is an error",
    openVswitchSettings,
    dpu(without("host-k8s-nodename")),
    ["error is not set"],
  ],
  [
    "no ovn-gw-interface is a warning",
    openVswitchSettings,
    dpu(without("ovn-gw-interface")),
    ["warning is not set"],
  ],
  ["no ovn-encap-ip is a note", openVswitchSettings, dpu(without("ovn-encap-ip")), ["note is not set"]],
  [
    "an ovs-vsctl that prints something else is an error",
    openVswitchSettings,
    dpu(Object.fromEntries(Object.keys(ovs(settings, bridges)).map((path) => [path, "Segmentation fault"]))),
    ["error ovs-vsctl printed something else than its tables as JSON"],
  ],
  [
    "bridges that cannot be asked for are a note",
    openVswitchBridges,
    dpu(Object.fromEntries(Object.keys(ovs(settings, bridges)).map((path) => [path, "Segmentation fault"]))),
    ["note ovs-vsctl printed something else than its tables as JSON"],
  ],
  [
    "no bridge with the uplink is an error",
    openVswitchBridges,
    dpu(ovs(settings, { "br-int": ["br-int"] })),
    ["error no bridge has the uplink p0"],
  ],
  [
    "a bridge without the host's representor is an error",
    openVswitchBridges,
    dpu(ovs(settings, { ...bridges, brp0: ["brp0", "p0"] })),
    ["error pf0hpf is no port of it"],
  ],
  [
    "an address on the uplink in place of the bridge is an error",
    openVswitchBridges,
    dpu({ "/proc/net/route": "Iface\tDestination\np0\t0028A8C0\n" }),
    ["error has no address, and its port p0 has"],
  ],
  [
    "an IPv6 address on the bridge will do, a link-local one will not",
    openVswitchBridges,
    dpu({
      "/proc/net/route": "Iface\n",
      "/proc/net/if_inet6": "fe800000000000000000000000000001 05 40 20 80     brp0\n",
    }),
    ["error has no address"],
  ],
  [
    "no br-int is a warning",
    openVswitchBridges,
    dpu(ovs(settings, { brp0: ["p0", "pf0hpf"] })),
    ["warning there is no bridge br-int"],
  ],
  [
    "an Open vSwitch of before 2.13 is an error",
    toolVersions,
    dpu({ "/.commands/ovs-vsctl --version": "ovs-vsctl (Open vSwitch) 2.9.8\n" }),
    ['error "ovs-vsctl (Open vSwitch) 2.9.8" is older than 2.13'],
  ],
])("%s", async (_, check, entries, found) => {
  expect(await finds(check, entries, "dpu")).toEqual(found);
});

test("the remedy for legacy mode names the DPU's own PCI device", async () => {
  const tree = captured({ "/sys/class/net/p0/device": { link: "../../../0000:03:00.0" } });
  const [found] = await switchdev.run(tree, { role: "dpu" });
  expect(found?.mend).toContain("devlink dev eswitch set pci/0000:03:00.0 mode switchdev");
});

const tables = Object.keys(ovs(settings, bridges));
test.each<[sentence: string, entries: Entries]>([
  ["restarts Open vSwitch", dpu(ovs({ external_ids }, bridges))],
  ["starts Open vSwitch", dpu(Object.fromEntries(tables.map((path) => [path, undefined])))],
])("a remedy that %s names the units of Debian and of RHEL", async (_, entries) => {
  const [found] = await openVswitchSettings.run(captured(entries), { role: "dpu" });
  expect(found?.mend).toMatch(
    /systemctl (re|enable --now )\S* ?openvswitch-switch \(openvswitch on Fedora and RHEL\)$/,
  );
});
