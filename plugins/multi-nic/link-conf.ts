import * as z from "zod/mini";
import { CniError, ErrorCode } from "../../lib/cni/error.ts";
import { optionalCount, optionalFlag, parseConf } from "../../lib/cni/netconf.ts";
import type { NewLinkKind } from "../../lib/netlink/kind/kinds.ts";
import type { LentKind } from "./device/device.ts";
import { parseVf } from "./device-conf.ts";

/** What all kinds of links have in common under `plugin`. */
export const PluginConf = z.looseObject({
  type: z.string(),
  mtu: optionalCount,
  linkInContainer: optionalFlag,
});
export type PluginConf = z.infer<typeof PluginConf>;

// Functions, since a call needs one of them only.
const IpvlanConf = () =>
  z.looseObject({
    mode: z.optional(z.enum(["l2", "l3", "l3s"])),
    flag: z.optional(z.enum(["bridge", "private", "vepa"])),
  });

const MacvlanConf = () =>
  z.looseObject({
    mode: z.optional(z.enum(["bridge", "private", "vepa", "passthru"])),
    bcqueuelen: z.optional(z.int().check(z.nonnegative(), z.maximum(0xffffffff))),
  });

const VlanConf = () => {
  const id = z.optional(
    z.int().check(z.minimum(1), z.maximum(4094, { error: "is no VLAN id; write one from 1 to 4094" })),
  );
  // vlanId: as the Go plugin vlan has it.
  return z.looseObject({ vlan: id, vlanId: id });
};

/** What each link of the attachment is to be. */
export interface LinkConf {
  readonly kind: NewLinkKind | LentKind;
  /** bytes; undefined: the master's */
  readonly mtu: number | undefined;
}

const missingVlan = (): CniError =>
  new CniError(
    ErrorCode.invalidConfig,
    'plugin.vlan: is missing; write a VLAN id from 1 to 4094, like {"type": "vlan", "vlan": 7}',
  );

const hostDevice = (): LentKind => ({ kind: "host-device" });

const kinds = {
  ipvlan: (plugin: PluginConf): NewLinkKind => {
    const { mode = "l2", flag = "bridge" } = parseConf(IpvlanConf(), plugin, "plugin");
    return { kind: "ipvlan", mode, flag };
  },
  macvlan: (plugin: PluginConf): NewLinkKind => {
    const { mode = "bridge", bcqueuelen } = parseConf(MacvlanConf(), plugin, "plugin");
    return bcqueuelen === undefined ? { kind: "macvlan", mode } : { kind: "macvlan", mode, bcqueuelen };
  },
  vlan: (plugin: PluginConf): NewLinkKind => {
    const { vlan, vlanId } = parseConf(VlanConf(), plugin, "plugin");
    const id = vlan ?? vlanId;
    if (id === undefined) throw missingVlan();
    return { kind: "vlan", id };
  },
  "host-device": hostDevice,
  // The Go project's operator writes that as host-device.
  mellanox: hostDevice,
  sriov: (plugin: PluginConf): LentKind => ({ kind: "sriov", vf: parseVf(plugin) }),
};

const lentTypes: readonly (keyof typeof kinds)[] = ["host-device", "mellanox", "sriov"];

/** Whether a `plugin.type` stands for NICs that are lent to a pod. */
export const isLentType = (type: string | undefined): boolean => lentTypes.some((each) => each === type);

const isKind = (type: string): type is keyof typeof kinds => Object.hasOwn(kinds, type);

/** @throws CniError naming the key, the value and what may be written */
export function parseLink(plugin: PluginConf | undefined): LinkConf {
  const wanted = `write "plugin": {"type": "ipvlan", "mode": "l3"} or {"type": "macvlan"} or {"type": "vlan", "vlan": 7}, or {"type": "host-device"} or {"type": "sriov"}`;
  if (plugin === undefined) throw new CniError(ErrorCode.invalidConfig, `plugin: is missing; ${wanted}`);
  if (!isKind(plugin.type)) {
    throw new CniError(
      ErrorCode.unsupportedField,
      `plugin.type: "${plugin.type}" is not a kind of link that multi-nic has; ${wanted}`,
    );
  }
  if (plugin.linkInContainer) {
    throw new CniError(
      ErrorCode.invalidConfig,
      "plugin.linkInContainer: true is for masters inside the pod, and those here are the host's; write false, or leave it out",
    );
  }
  return { kind: kinds[plugin.type](plugin), mtu: plugin.mtu || undefined };
}
