import * as z from "zod/mini";
import { CniError, ErrorCode } from "../../lib/cni/error.ts";
import { optionalCount, optionalFlag, parseConf } from "../../lib/cni/netconf.ts";
import type { NewLinkKind } from "../../lib/netlink/kind/kinds.ts";

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

/** What each link of the attachment is to be. */
export interface LinkConf {
  readonly kind: NewLinkKind;
  /** bytes; undefined: the master's */
  readonly mtu: number | undefined;
}

const kinds = {
  ipvlan: (plugin: PluginConf): NewLinkKind => {
    const { mode = "l2", flag = "bridge" } = parseConf(IpvlanConf(), plugin, "plugin");
    return { kind: "ipvlan", mode, flag };
  },
  macvlan: (plugin: PluginConf): NewLinkKind => {
    const { mode = "bridge", bcqueuelen } = parseConf(MacvlanConf(), plugin, "plugin");
    return bcqueuelen === undefined ? { kind: "macvlan", mode } : { kind: "macvlan", mode, bcqueuelen };
  },
};

/** @throws CniError naming the key, the value and what may be written */
export function parseLink(plugin: PluginConf | undefined): LinkConf {
  const wanted = `write "plugin": {"type": "ipvlan", "mode": "l3"} or {"type": "macvlan"}`;
  if (plugin === undefined) throw new CniError(ErrorCode.invalidConfig, `plugin: is missing; ${wanted}`);
  if (plugin.type !== "ipvlan" && plugin.type !== "macvlan") {
    throw new CniError(
      ErrorCode.unsupportedField,
      `plugin.type: "${plugin.type}" is not a kind of link that multi-nic makes; ${wanted}`,
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
