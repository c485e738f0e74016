import { type Cidr, formatAddress, formatCidr, type IpAddress } from "../net/address.ts";
import type { Cluster, ClusterHost, ClusterNetwork } from "./cluster.ts";
import { blocksOf, placesOf, type Share, sharesOf } from "./division.ts";

/** A NIC of this host, as far as this needs one. */
export interface LocalNic {
  readonly name: string;
  readonly index: number;
  readonly addresses: readonly Cidr[];
}

/** What this host has to have for a network. */
export interface NetworkPlan {
  readonly network: ClusterNetwork;
  readonly hostIndex: number;
  readonly nics: readonly PlannedNic[];
  /** NICs that the cluster file gives this host and that it does not have (now) */
  readonly missing: readonly Share[];
  readonly routes: readonly HostRoute[];
}

export interface PlannedNic extends Share {
  readonly nic: LocalNic;
}

/** Another host's block, by that host's address on the same NIC's network. */
export interface HostRoute {
  readonly dst: Cidr;
  readonly gateway: IpAddress;
  /** The NIC's index and name */
  readonly oif: number;
  readonly dev: string;
  /** The host whose block it is */
  readonly host: string;
  /** It was that host's block by a file before */
  readonly former?: true;
}

/** What a host has to have, for all networks. */
export function planHost(cluster: Cluster, host: ClusterHost, nics: readonly LocalNic[]): NetworkPlan[] {
  const byAddress = new Map(
    nics.flatMap((nic) => nic.addresses.map(({ address }) => [formatAddress(address), nic] as const)),
  );
  const nicOf = ({ addresses }: Share) =>
    addresses.map((each) => byAddress.get(formatAddress(each))).find((nic) => nic !== undefined);
  return cluster.networks.map((network) => {
    const planned: PlannedNic[] = [];
    const missing: Share[] = [];
    for (const share of sharesOf(network, host, placesOf(network, cluster))) {
      const nic = nicOf(share);
      if (nic === undefined) missing.push(share);
      else planned.push({ ...share, nic });
    }
    const routes = network.routed ? routesTo(network, cluster.hosts, host, planned) : [];
    return { network, hostIndex: host.index, nics: planned, missing, routes };
  });
}

function routesTo(
  network: ClusterNetwork,
  hosts: readonly ClusterHost[],
  own: ClusterHost,
  nics: readonly PlannedNic[],
): HostRoute[] {
  // Without a host's own part of the block, the next hosts' addresses would be this one's too.
  if (network.pool.hostBlock === 0) return [];
  const others = hosts.filter((host) => host.name !== own.name);
  return others.flatMap((host) =>
    nics.flatMap(({ place, interfaceIndex, nic }) =>
      blocksOf(network, host, interfaceIndex).flatMap((dst) => {
        const gateway = host.nics[place]?.find((each) => each.family === dst.address.family);
        return gateway === undefined
          ? []
          : [{ dst, gateway, oif: nic.index, dev: nic.name, host: host.name }];
      }),
    ),
  );
}

/** The node file of a network: what ADD reads, and what tells the next plan which blocks pods may have addresses of. */
export interface NodeFileJson {
  readonly hostIndex: number;
  readonly masters: readonly { readonly name: string; readonly interfaceIndex: number }[];
  /** By the NIC's number: a later file that has others renumbers pods */
  readonly blocks: Readonly<Record<string, readonly string[]>>;
  /** The host's own by the NIC's number: what tells which NIC it is, whatever its link is called */
  readonly addresses: Readonly<Record<string, readonly string[]>>;
  readonly writtenBy: "multi-nicd";
}

export function nodeFileOf({ hostIndex, nics, missing }: NetworkPlan): NodeFileJson {
  const shares = [...nics, ...missing].sort((a, b) => a.interfaceIndex - b.interfaceIndex);
  const byNumber = (textsOf: (share: Share) => readonly string[]) =>
    Object.fromEntries(shares.map((share) => [share.interfaceIndex, textsOf(share)]));
  return {
    hostIndex,
    masters: nics.map(({ nic, interfaceIndex }) => ({ name: nic.name, interfaceIndex })),
    blocks: byNumber(({ blocks }) => blocks.map(formatCidr)),
    addresses: byNumber(({ addresses }) => addresses.map(formatAddress)),
    writtenBy: "multi-nicd",
  };
}

/** What of a node file running pods depend on. Those that were written before addresses were have none. */
type Numbered = Pick<NodeFileJson, "blocks"> & Partial<Pick<NodeFileJson, "addresses">>;

/**
 * How a node file differs from the one before it in what running pods have addresses of, and NICs; nothing where it does
 * not. A number whose addresses are others' is another NIC's: pods' links stay on the one before, and hosts route to this.
 */
export function renumbering(before: Numbered | undefined, after: Numbered | undefined): string[] {
  return Object.entries(before?.blocks ?? {}).flatMap(([index, blocks]) => {
    const [now, known] = [after?.blocks[index], before?.addresses?.[index] ?? []];
    const lost = lostOf(blocks, now ?? []);
    // Who has no such NIC any more has said so by its blocks.
    const moved = now === undefined ? [] : lostOf(known, after?.addresses?.[index] ?? []);
    return lost.length + moved.length === 0 ? [] : [`NIC ${index}: ${[...lost, ...moved].join("; ")}`];
  });
}

function lostOf(before: readonly string[], now: readonly string[]): string[] {
  const gone = before.filter((each) => !now.includes(each));
  if (gone.length === 0) return [];
  return [`${gone.join(", ")} becomes ${now.length === 0 ? "nothing" : now.join(", ")}`];
}
