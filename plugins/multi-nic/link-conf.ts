import * as z from "zod/mini";
import { CniError, ErrorCode } from "../../lib/cni/error.ts";
import { optionalCount, parseConf } from "../../lib/cni/netconf.ts";
import type { NewLinkKind } from "../../lib/netlink/kind/kinds.ts";

// Functions, since a call needs one of them only.
const IpvlanConf = () =>
  z.looseObject({
    mode: z.optional(z.enum(["l2", "l3", "l3s"])),
    flag: z.optional(z.enum(["bridge", "private", "vepa"])),
    mtu: optionalCount,
    linkInContainer: z.optional(z.literal(false)),
  });

const MacvlanConf = () =>
  z.looseObject({
    mode: z.optional(z.enum(["bridge", "private", "vepa", "passthru"])),
    bcqueuelen: z.optional(z.int().check(z.nonnegative(), z.maximum(0xffffffff))),
    mtu: optionalCount,
    linkInContainer: z.optional(z.literal(false)),
  });

/** What each link of the attachment is to be. */
export interface LinkConf {
  readonly kind: NewLinkKind;
  /** bytes; undefined: the master's */
  readonly mtu: number | undefined;
}

const kinds = {
  ipvlan: (plugin: unknown): LinkConf => {
    const { mode = "l2", flag = "bridge", mtu } = parseConf(IpvlanConf(), plugin, "plugin");
    return { kind: { kind: "ipvlan", mode, flag }, mtu: mtu || undefined };
  },
  macvlan: (plugin: unknown): LinkConf => {
    const { mode = "bridge", bcqueuelen, mtu } = parseConf(MacvlanConf(), plugin, "plugin");
    const kind = { kind: "macvlan" as const, mode };
    return { kind: bcqueuelen === undefined ? kind : { ...kind, bcqueuelen }, mtu: mtu || undefined };
  },
} satisfies Record<string, (plugin: unknown) => LinkConf>;

/** @throws CniError naming the key, the value and what may be written */
export function parseLink(plugin: { readonly type: string } | undefined): LinkConf {
  const wanted = `write "plugin": {"type": "ipvlan", "mode": "l3"} or {"type": "macvlan"}`;
  if (plugin === undefined) throw new CniError(ErrorCode.invalidConfig, `plugin: is missing; ${wanted}`);
  if (plugin.type === "ipvlan" || plugin.type === "macvlan") return kinds[plugin.type](plugin);
  throw new CniError(
    ErrorCode.unsupportedField,
    `plugin.type: "${plugin.type}" is not a kind of link that multi-nic makes; ${wanted}`,
  );
}
