import * as z from "zod/mini";
import { CniError, ErrorCode } from "../../lib/cni/error.ts";
import type { JsonObject } from "../../lib/cni/json.ts";
import { optionalText, optionalTextOrTexts, optionalTexts, parseConf } from "../../lib/cni/netconf.ts";
import { parseMac } from "../../lib/net/mac.ts";
import type { VfSettings } from "../../lib/netlink/message/vf.ts";
import { mostDevices } from "./device/device.ts";

/** A device of the host, as the configuration or the device plugin names it. */
export interface DeviceName {
  /** Where it is written */
  readonly key: string;
  readonly by: "name" | "mac" | "path" | "pci";
  readonly value: string;
}

// Functions, since few networks have devices.
const Given = () =>
  z.looseObject({
    deviceIDs: optionalTexts,
    deviceID: optionalTextOrTexts,
    pciBusID: optionalText,
    runtimeConfig: z.optional(z.looseObject({ deviceID: optionalTextOrTexts })),
    plugin: z.looseObject({
      device: optionalText,
      hwaddr: optionalText,
      kernelpath: optionalText,
      pciBusID: optionalText,
    }),
  });

const Sriov = () => {
  const onOff = z.optional(z.enum(["on", "off"]));
  const rate = z.optional(z.int().check(z.nonnegative(), z.maximum(0xffffffff)));
  return z.looseObject({
    vlan: z.optional(
      z.int().check(z.nonnegative(), z.maximum(4094, { error: "is no VLAN id; write one from 1 to 4094" })),
    ),
    vlanQoS: z.optional(z.int().check(z.nonnegative(), z.maximum(7))),
    vlanProto: z.optional(z.enum(["802.1q", "802.1ad", "802.1Q", "802.1AD"])),
    spoofchk: onOff,
    trust: onOff,
    link_state: z.optional(z.enum(["auto", "enable", "disable"])),
    min_tx_rate: rate,
    max_tx_rate: rate,
  });
};

/** Which devices an attachment is to get: those the device plugin gave, else the one named; none: the masters. */
export function parseDeviceNames(conf: JsonObject): DeviceName[] {
  const { deviceIDs, deviceID, pciBusID, runtimeConfig, plugin } = parseConf(Given(), conf);
  const allocated = [
    ["runtimeConfig.deviceID", runtimeConfig?.deviceID],
    ["deviceIDs", deviceIDs],
    ["deviceID", deviceID],
    ["pciBusID", pciBusID],
  ] as const;
  for (const [key, value] of allocated) {
    const ids = split(value);
    if (ids.length > mostDevices)
      throw invalid(
        `${key}: ${ids.length} devices are more than the ${mostDevices} one attachment can have; name fewer`,
      );
    if (ids.length > 0) return unique(ids.map((id) => named(key, "pci", id)));
  }
  const one = [
    named("plugin.device", "name", plugin.device),
    named("plugin.hwaddr", "mac", plugin.hwaddr),
    named("plugin.kernelpath", "path", plugin.kernelpath),
    named("plugin.pciBusID", "pci", plugin.pciBusID),
  ].filter(({ value }) => value !== "");
  const [first, second] = one;
  if (first !== undefined && second !== undefined)
    throw invalid(`${second.key}: "${second.value}" is given beside ${first.key}; name the device once`);
  return first === undefined ? [] : [first];
}

/** Several resources of one pod come joined by commas. */
const split = (value: string | readonly string[] | undefined): string[] =>
  [value ?? []].flat().flatMap((text) =>
    text
      .split(",")
      .map((id) => id.trim())
      .filter((id) => id !== ""),
  );

function named(key: string, by: DeviceName["by"], value = ""): DeviceName {
  if (value === "") return { key, by, value };
  const [normal, wanted] = forms[by](value);
  if (normal !== undefined) return { key, by, value: normal };
  throw invalid(`${key}: "${value.slice(0, 120)}" is not ${wanted}`);
}

const pciText = /^(?:([0-9a-f]{4,8}):)?([0-9a-f]{2}:[0-9a-f]{2}\.[0-7])$/;

const forms: Record<DeviceName["by"], (value: string) => [normal: string | undefined, wanted: string]> = {
  name: (value) => [/^[^/\s]{1,15}$/.test(value) ? value : undefined, "the name of a link, like eth1"],
  mac: (value) => [tried(() => parseMac(value)), "a MAC address, like 02:00:00:00:00:01"],
  path: (value) => [
    value.startsWith("/sys/devices/") && !value.split("/").includes("..") ? value : undefined,
    "a path under /sys/devices, like /sys/devices/pci0000:00/0000:00:1f.6",
  ],
  pci: (value) => {
    const [, domain = "0000", rest] = pciText.exec(value.toLowerCase()) ?? [];
    return [rest && `${domain}:${rest}`, "a PCI address, like 0000:3b:00.1"];
  },
};

function tried<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function unique(names: readonly DeviceName[]): DeviceName[] {
  const seen = new Set<string>();
  for (const { key, value } of names) {
    if (seen.has(value)) throw invalid(`${key}: "${value}" is there twice; name each device once`);
    seen.add(value);
  }
  return [...names];
}

/** What plugin.type sriov sets of a virtual function. */
export function parseVf(plugin: unknown): VfSettings {
  const conf = parseConf(Sriov(), plugin, "plugin");
  const { vlan, vlanQoS, vlanProto, spoofchk, trust, link_state, min_tx_rate, max_tx_rate } = conf;
  for (const [key, value] of Object.entries({ vlanQoS, vlanProto })) {
    if (value && !vlan)
      throw invalid(`plugin.${key}: ${JSON.stringify(value)} is of no VLAN; write plugin.vlan too`);
  }
  if ((min_tx_rate ?? 0) > (max_tx_rate || Number.POSITIVE_INFINITY))
    throw invalid(
      `plugin.min_tx_rate: ${min_tx_rate} is more than plugin.max_tx_rate, ${max_tx_rate}; write less`,
    );
  const proto = vlanProto?.toLowerCase() === "802.1ad" ? "802.1ad" : "802.1q";
  return {
    ...(vlan === undefined ? {} : { vlan: { vlan, qos: vlanQoS ?? 0, proto } }),
    ...(min_tx_rate === undefined && max_tx_rate === undefined
      ? {}
      : { rate: { min: min_tx_rate ?? 0, max: max_tx_rate ?? 0 } }),
    ...(spoofchk === undefined ? {} : { spoofchk: spoofchk === "on" }),
    ...(link_state === undefined ? {} : { linkState: link_state }),
    ...(trust === undefined ? {} : { trust: trust === "on" }),
  };
}

const invalid = (message: string): CniError => new CniError(ErrorCode.invalidConfig, message);
