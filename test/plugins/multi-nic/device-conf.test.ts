import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../../lib/cni/json.ts";
import { parseMultiNicConf } from "../../../plugins/multi-nic/conf.ts";
import { parseVf } from "../../../plugins/multi-nic/device-conf.ts";
import { invocationOf } from "./invocation.ts";

const plugin = { type: "host-device" };
const devices = (conf: JsonObject) => parseMultiNicConf(invocationOf({ plugin, ...conf })).devices;

const pci = (key: string, ...values: readonly string[]) => values.map((value) => ({ key, by: "pci", value }));

/** So many PCI addresses, joined by commas. */
const manyIds = (count: number) =>
  Array.from({ length: count }, (_, i) => `${(0x10000 + (i >> 8)).toString(16)}:${hex(i & 255)}:00.0`).join();
const hex = (byte: number) => byte.toString(16).padStart(2, "0");

describe("the devices of a configuration", () => {
  test.each<[title: string, conf: JsonObject, expected: unknown]>([
    ["are none where links are made", { plugin: { type: "macvlan" }, deviceID: "0000:3b:00.1" }, undefined],
    ["are the masters where none is named", { masters: ["eth1"] }, []],
    [
      "are those that the runtime gives",
      { runtimeConfig: { deviceID: "0000:3b:00.1" }, deviceIDs: ["0000:3b:00.2"] },
      pci("runtimeConfig.deviceID", "0000:3b:00.1"),
    ],
    [
      "are those of several resources, joined by commas",
      { deviceID: "0000:3b:00.1, 0000:3b:00.2" },
      pci("deviceID", "0000:3b:00.1", "0000:3b:00.2"),
    ],
    [
      "are a list whose entries are joined too",
      { deviceIDs: ["0000:3b:00.1,0000:3b:00.2", "3B:00.3", ""] },
      pci("deviceIDs", "0000:3b:00.1", "0000:3b:00.2", "0000:3b:00.3"),
    ],
    [
      "are as many as an attachment can have",
      { deviceIDs: [manyIds(128)] },
      pci("deviceIDs", ...manyIds(128).split(",")),
    ],
    [
      "are given as Multus does for host-device",
      { pciBusID: "0000:3b:00.1" },
      pci("pciBusID", "0000:3b:00.1"),
    ],
    [
      "are the one of the configuration",
      { plugin: { ...plugin, pciBusID: "0000:3b:00.1" } },
      pci("plugin.pciBusID", "0000:3b:00.1"),
    ],
    [
      "come from the device plugin, if it gives any",
      { plugin: { ...plugin, device: "eth1" }, deviceIDs: ["0000:3b:00.1"] },
      pci("deviceIDs", "0000:3b:00.1"),
    ],
    [
      "are named by their link",
      { plugin: { ...plugin, device: "eth1" }, deviceIDs: [], deviceID: "" },
      [{ key: "plugin.device", by: "name", value: "eth1" }],
    ],
    [
      "are named by their address",
      { plugin: { ...plugin, hwaddr: "02:00:00:00:00:AB" } },
      [{ key: "plugin.hwaddr", by: "mac", value: "02:00:00:00:00:ab" }],
    ],
    [
      "are named by their folder",
      { plugin: { ...plugin, kernelpath: "/sys/devices/pci0000:00/0000:00:1f.6" } },
      [{ key: "plugin.kernelpath", by: "path", value: "/sys/devices/pci0000:00/0000:00:1f.6" }],
    ],
  ])("%s", (_title, conf, expected) => {
    expect(devices(conf)).toEqual(expected);
  });

  test.each<[title: string, conf: JsonObject, message: RegExp]>([
    [
      "no PCI address",
      { deviceIDs: ["mlx5_core.sf.4"] },
      /^deviceIDs: "mlx5_core\.sf\.4" is not a PCI address/,
    ],
    ["a path out of it", { deviceID: "../../0000:3b:00.1" }, /^deviceID: .* is not a PCI address/],
    ["one twice", { deviceIDs: ["3b:00.1", "0000:3b:00.1"] }, /^deviceIDs: "0000:3b:00\.1" is there twice/],
    [
      "more than an attachment can have, in one entry of the list",
      { deviceIDs: [manyIds(20_000)] },
      /^deviceIDs: 20000 devices are more than the 128 one attachment can have; name fewer$/,
    ],
    ["one more than it can have", { deviceID: manyIds(129) }, /^deviceID: 129 devices are more than the 128/],
    ["a number", { deviceIDs: [7] }, /^deviceIDs\[0\]: 7 is not text/],
    [
      "a long name",
      { plugin: { ...plugin, device: "x".repeat(16) } },
      /^plugin\.device: .* is not the name of a link/,
    ],
    ["a name with a slash", { plugin: { ...plugin, device: "a/b" } }, /^plugin\.device: "a\/b" is not/],
    ["no MAC", { plugin: { ...plugin, hwaddr: "eth1" } }, /^plugin\.hwaddr: "eth1" is not a MAC address/],
    [
      "a path elsewhere",
      { plugin: { ...plugin, kernelpath: "/sys/devices/../../etc" } },
      /^plugin\.kernelpath: .* is not a path under/,
    ],
    [
      "two at once",
      { plugin: { ...plugin, device: "eth1", hwaddr: "02:00:00:00:00:ab" } },
      /^plugin\.hwaddr: .* is given beside plugin\.device/,
    ],
  ])("are refused as %s", (_title, conf, message) => {
    expect(() => devices(conf)).toThrow(
      expect.objectContaining({ code: 7, message: expect.stringMatching(message) }),
    );
  });
});

describe("what is set of a virtual function", () => {
  test.each<[title: string, plugin: JsonObject, expected: object]>([
    ["is nothing that is not given", {}, {}],
    ["is a VLAN", { vlan: 7 }, { vlan: { vlan: 7, qos: 0, proto: "802.1q" } }],
    ["is no VLAN, where that is written", { vlan: 0 }, { vlan: { vlan: 0, qos: 0, proto: "802.1q" } }],
    [
      "is a VLAN with priority and protocol",
      { vlan: 4094, vlanQoS: 7, vlanProto: "802.1ad" },
      { vlan: { vlan: 4094, qos: 7, proto: "802.1ad" } },
    ],
    [
      "is all the rest",
      { spoofchk: "off", trust: "on", link_state: "enable", min_tx_rate: 10, max_tx_rate: 100 },
      { spoofchk: false, trust: true, linkState: "enable", rate: { min: 10, max: 100 } },
    ],
    ["is a least rate without a most", { min_tx_rate: 10 }, { rate: { min: 10, max: 0 } }],
  ])("%s", (_title, given, expected) => {
    expect(parseVf(given)).toEqual(expected);
  });

  test.each<[title: string, plugin: JsonObject, message: RegExp]>([
    ["a VLAN beyond the last", { vlan: 4095 }, /^plugin\.vlan: 4095 is no VLAN id/],
    ["a priority of no VLAN", { vlanQoS: 3 }, /^plugin\.vlanQoS: 3 is of no VLAN/],
    ["a priority beyond the last", { vlan: 7, vlanQoS: 8 }, /^plugin\.vlanQoS: 8 is not at most 7/],
    ["an unknown protocol", { vlan: 7, vlanProto: "qinq" }, /^plugin\.vlanProto: "qinq" is not one of/],
    ["a flag that is none", { trust: true }, /^plugin\.trust: true is not one of "on", "off"/],
    ["an unknown link state", { link_state: "up" }, /^plugin\.link_state: "up" is not one of "auto"/],
    [
      "a least rate above the most",
      { min_tx_rate: 9, max_tx_rate: 8 },
      /^plugin\.min_tx_rate: 9 is more than/,
    ],
    ["a negative rate", { max_tx_rate: -1 }, /^plugin\.max_tx_rate: -1/],
  ])("is refused as %s", (_title, given, message) => {
    expect(() => parseVf(given)).toThrow(
      expect.objectContaining({ code: 7, message: expect.stringMatching(message) }),
    );
  });
});
