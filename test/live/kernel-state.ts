import type { Namespace } from "./namespaces.ts";

/** A link as `ip -j -d link` shows it; what these tests look at. */
export interface IpLink {
  readonly ifindex: number;
  readonly ifname: string;
  readonly flags: readonly string[];
  readonly mtu: number;
  readonly address: string;
  readonly group: string;
  readonly promiscuity?: number;
  /** ifindex of the master where that is in another namespace */
  readonly link_index?: number;
  readonly linkinfo?: { readonly info_kind?: string; readonly info_data?: Readonly<Record<string, unknown>> };
}

export interface IpRoute {
  readonly dst: string;
  readonly dev?: string;
  readonly gateway?: string;
  readonly table?: string;
  readonly protocol?: string;
  readonly prefsrc?: string;
  readonly nexthops?: readonly { readonly dev: string; readonly gateway?: string }[];
}

export interface IpRule {
  readonly priority: number;
  readonly src: string;
  readonly srclen?: number;
  readonly table: string;
}

interface IpAddress {
  readonly ifname: string;
  readonly addr_info: readonly {
    readonly local: string;
    readonly prefixlen: number;
    readonly scope: string;
  }[];
}

export const linksOf = (ns: Namespace): readonly IpLink[] => ns.ipJson<readonly IpLink[]>("-d link show");

/** What does not change by itself, as a bridge's timers do, and carrier, which a link that is made has a moment later. */
const steady = ({
  ifindex,
  ifname,
  flags,
  mtu,
  address,
  group,
  promiscuity,
  link_index,
  linkinfo,
}: IpLink) => ({
  link: {
    ifindex,
    ifname,
    flags: flags.filter((flag) => flag !== "NO-CARRIER" && flag !== "LOWER_UP"),
    mtu,
    address,
    group,
    promiscuity,
    link_index,
  },
  kind: linkinfo?.info_kind,
});

export function linkOf(ns: Namespace, ifname: string): IpLink {
  const link = linksOf(ns).find((each) => each.ifname === ifname);
  if (link === undefined) throw new Error(`${ns.name} has no link ${ifname}`);
  return link;
}

/** "address/prefix" of a link, those that the kernel makes by itself left out. */
export function addressesOf(ns: Namespace, ifname: string): readonly string[] {
  const [found] = ns.ipJson<readonly IpAddress[]>(`addr show dev ${ifname}`);
  const wide = (found?.addr_info ?? []).filter(({ scope }) => scope !== "link");
  return wide.map(({ local, prefixlen }) => `${local}/${prefixlen}`);
}

export const routesOf = (ns: Namespace, family: 4 | 6, table: number | "main" | "all" = "main") =>
  ns.ipJson<readonly IpRoute[]>(`-${family} route show table ${table}`);

export const rulesOf = (ns: Namespace, family: 4 | 6) => ns.ipJson<readonly IpRule[]>(`-${family} rule show`);

/** Of any link that is up, and there only a second after it: duplicate address detection takes its time. */
const isLinkLocal = (address: string): boolean => address.startsWith("fe80:");

/** All that an attachment could leave in a namespace, as one value to compare. */
export function kernelState(ns: Namespace) {
  return {
    links: linksOf(ns).map(steady),
    addresses: ns.ipJson<readonly IpAddress[]>("addr show").map(({ ifname, addr_info }) => ({
      ifname,
      addr_info: addr_info
        .filter(({ local }) => !isLinkLocal(local))
        .map(({ local, prefixlen, scope }) => ({ local, prefixlen, scope })),
    })),
    routes: [...routesOf(ns, 4, "all"), ...routesOf(ns, 6, "all")].filter(({ dst }) => !isLinkLocal(dst)),
    rules: [...rulesOf(ns, 4), ...rulesOf(ns, 6)],
  };
}
