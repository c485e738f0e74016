import { UsageError } from "../lib/cli/arguments.ts";
import type { Netns } from "../lib/linux/netns.ts";
import { NetnsError, openNetns } from "../lib/linux/netns.ts";
import { bitsOf, type Cidr, parseAddress, parseCidr } from "../lib/net/address.ts";
import { decodeAddress, dumpAddresses } from "../lib/netlink/message/address.ts";
import { decodeLink, dumpLinks } from "../lib/netlink/message/link.ts";
import type { Pod, PodAddress } from "./pod.ts";

/** A pod as --netns names it: NAME=PATH[,ADDRESS…]. */
export interface NamedPod {
  readonly name: string;
  readonly path: string;
  readonly addresses: readonly Cidr[];
}

/** Throws UsageError. */
export function parseNamedPod(text: string): NamedPod {
  const [, name = "", path = "", rest = ""] = /^([^=,]+)=([^,]+)((?:,[^,]+)*)$/.exec(text) ?? [];
  if (name === "")
    throw new UsageError(`--netns: "${text}" is not NAME=PATH or NAME=PATH,ADDRESS,…, as web=/run/netns/web`);
  return { name, path, addresses: rest.split(",").slice(1).map(parseHost) };
}

function parseHost(text: string): Cidr {
  try {
    if (text.includes("/")) return parseCidr(text);
    const address = parseAddress(text);
    return { address, prefix: bitsOf(address.family) };
  } catch (error) {
    throw new UsageError(`--netns: ${(error as Error).message}`);
  }
}

/** The pod with its addresses: those that were named, else all of its links but loopback. Throws UsageError. */
export async function namedPod({ name, path, addresses }: NamedPod): Promise<Pod> {
  try {
    using netns = openNetns(path);
    const found =
      addresses.length > 0 ? addresses.map((cidr, nic) => ({ nic, cidr })) : await addressesIn(netns);
    if (found.length > 0) return { name, netns: path, addresses: found };
  } catch (error) {
    if (!(error instanceof NetnsError)) throw error;
    throw new UsageError(`--netns: pod ${name}: ${error.message}`);
  }
  throw new UsageError(
    `--netns: pod ${name} has no addresses (but of loopback and of links alone) in ${path}; attach it, or name them: ${name}=${path},ADDRESS`,
  );
}

/** RT_SCOPE_UNIVERSE (rtnetlink.h): not a link's own, nor loopback's. */
const universe = 0;

/** In the order of the links. A link without carrier has addresses too, and is to be found out. */
export async function addressesIn(netns: Netns): Promise<PodAddress[]> {
  const [links = [], addresses = []] = await netns.netlink.request([dumpLinks(), dumpAddresses()]);
  const names = new Map(links.map(decodeLink).map(({ index, name }) => [index, name]));
  const global = addresses.map(decodeAddress).filter(({ scope }) => scope === universe);
  const indexes = [...new Set(global.map(({ index }) => index))].sort((a, b) => a - b);
  return indexes.flatMap((index, nic) => {
    const ifname = names.get(index);
    return global
      .filter((address) => address.index === index)
      .map(({ cidr }) => ({ nic, ...(ifname === undefined ? {} : { ifname }), cidr }));
  });
}
