import { CniError, ErrorCode } from "../cni/error.ts";
import type { Cidr, IpAddress } from "../net/address.ts";
import { bitsOf, firstOf, formatCidr, networkOf, overlaps } from "../net/address.ts";
import type { Range } from "./range.ts";
import { mergeRanges, rangeOf } from "./range.ts";

/** What a network divides among NICs and hosts: at most one subnet for each family. */
export interface PoolConf {
  readonly subnets: readonly Cidr[];
  /** Bits after the subnet's prefix that hold the interface index. */
  readonly interfaceBlock: number;
  /** Bits after these that hold the host index; 0 where a NIC's block is not divided among hosts. */
  readonly hostBlock: number;
  readonly excludes: readonly Cidr[];
  /** Not used where hostBlock is 0. */
  readonly hostIndex: number;
}

/** What one NIC of one host hands out, in one family. */
export interface Block {
  readonly family: 4 | 6;
  readonly interfaceIndex: number;
  /** The NIC's part of the subnet, on all hosts (vlanCIDR). */
  readonly vlan: Cidr;
  /** This host's part of it (podCIDR). */
  readonly pod: Cidr;
  /** The prefix length that addresses are given with: the vlan's, so that all hosts' pods are on link. */
  readonly prefix: number;
  /** The lowest and the highest address that may be handed out. */
  readonly first: bigint;
  readonly last: bigint;
  /** Sorted, merged, and clipped to first..last. */
  readonly excludes: readonly Range[];
}

/**
 * The blocks of every NIC, in the order of its indexes: for each one block a subnet, in the subnets' order.
 * Throws CniError invalidConfig.
 */
export function computeBlocks(pool: PoolConf, interfaceIndexes: readonly number[]): Block[][] {
  checkPool(pool);
  return interfaceIndexes.map((index) => {
    checkInterfaceIndex(pool, index);
    return pool.subnets.map((subnet) => computeBlock(pool, subnet, index));
  });
}

/** Throws CniError invalidConfig for a pool that no NIC could take addresses from. */
export function checkPool(pool: PoolConf): void {
  if (pool.subnets.length === 0) throw invalid(`subnet: none is given; set it, as in "192.168.0.0/16"`);
  checkBits("ipam.interfaceBlock", pool.interfaceBlock);
  checkBits("ipam.hostBlock", pool.hostBlock);
  const families = new Map<number, Cidr>();
  for (const subnet of pool.subnets) {
    const other = families.get(subnet.address.family);
    if (other !== undefined) {
      throw invalid(
        `subnet: "${formatCidr(other)}" and "${formatCidr(subnet)}" are both IPv${subnet.address.family}; ` +
          "give at most one IPv4 and one IPv6 subnet",
      );
    }
    families.set(subnet.address.family, subnet);
    checkSubnet(pool, subnet);
  }
  checkHostIndex(pool);
  for (const exclude of pool.excludes) checkExclude(pool, exclude);
}

/** A NIC's part of a subnet on the pool's host (podCIDR), of a pool and an index that were checked. */
export function podNetwork(pool: PoolConf, subnet: Cidr, interfaceIndex: number): Cidr {
  const vlan = part(subnet, pool.interfaceBlock, interfaceIndex);
  return pool.hostBlock === 0 ? vlan : part(vlan, pool.hostBlock, pool.hostIndex);
}

function computeBlock(pool: PoolConf, subnet: Cidr, interfaceIndex: number): Block {
  const vlan = part(subnet, pool.interfaceBlock, interfaceIndex);
  const pod = podNetwork(pool, subnet, interfaceIndex);
  const family = subnet.address.family;
  const all = rangeOf(pod);
  // IPv4: network and broadcast address. IPv6 has no broadcast; its first is the subnet-router anycast
  // address of RFC 4291 section 2.6.1.
  const assignable = { first: all.first + 1n, last: family === 4 ? all.last - 1n : all.last };
  const ours = pool.excludes.filter((exclude) => exclude.address.family === family);
  const excludes = mergeRanges(ours.map(rangeOf), assignable);
  const [only] = excludes;
  if (only !== undefined && only.first === assignable.first && only.last === assignable.last) {
    throw invalid(
      `ipam.excludeCIDRs: ${ours.map((exclude) => `"${formatCidr(exclude)}"`).join(", ")} leave no address of ` +
        `"${formatCidr(pod)}", the block of interface ${interfaceIndex} on host ${pool.hostIndex}; exclude less`,
    );
  }
  return { family, interfaceIndex, vlan, pod, prefix: vlan.prefix, ...assignable, excludes };
}

/** The part of the network whose next `bits` bits are `index`. */
function part(network: Cidr, bits: number, index: number): Cidr {
  const prefix = network.prefix + bits;
  const { family } = network.address;
  const shift = BigInt(bitsOf(family) - prefix);
  const address: IpAddress = { family, value: firstOf(network) | (BigInt(index) << shift) };
  return { address, prefix };
}

function checkBits(key: string, bits: number): void {
  if (!Number.isInteger(bits) || bits < 0) {
    throw invalid(`${key}: ${bits} is not a number of bits; give a whole number from 0 on`);
  }
}

function checkSubnet(pool: PoolConf, subnet: Cidr): void {
  const text = formatCidr(subnet);
  const network = networkOf(subnet);
  if (network.address.value !== subnet.address.value) {
    throw invalid(`subnet: "${text}" has host bits set; write "${formatCidr(network)}"`);
  }
  const { family } = subnet.address;
  const width = bitsOf(family);
  const podPrefix = subnet.prefix + pool.interfaceBlock + pool.hostBlock;
  if (podPrefix > width) {
    throw invalid(
      `ipam.interfaceBlock: ${pool.interfaceBlock} and ipam.hostBlock: ${pool.hostBlock} bits do not fit into ` +
        `subnet "${text}", which has ${width - subnet.prefix} bits to divide; ` +
        "take a larger subnet, or fewer bits",
    );
  }
  // An IPv4 block needs room for two reserved addresses and a third, an IPv6 block for one and a second.
  const longest = family === 4 ? 30 : 127;
  if (podPrefix > longest) throw invalid(noAddressesLeft(pool, subnet, podPrefix, longest));
}

function noAddressesLeft(pool: PoolConf, subnet: Cidr, podPrefix: number, longest: number): string {
  const most = longest - subnet.prefix - pool.interfaceBlock;
  const remedy =
    most >= 0 ? `take a larger subnet, or a hostBlock of at most ${most}` : "take a larger subnet";
  return (
    `ipam.hostBlock: ${pool.hostBlock} leaves no addresses for pods: a host's block of subnet ` +
    `"${formatCidr(subnet)}" would be a /${podPrefix}, with nothing beyond reserved addresses; ${remedy}`
  );
}

function checkHostIndex({ hostBlock, hostIndex }: PoolConf): void {
  if (hostBlock === 0) return;
  const hosts = 1n << BigInt(hostBlock);
  if (!Number.isSafeInteger(hostIndex) || hostIndex < 0 || BigInt(hostIndex) >= hosts) {
    throw invalid(
      `ipam.hostIndex: ${hostIndex} is outside 0..${hosts - 1n}; ipam.hostBlock: ${hostBlock} has room for ` +
        `${hosts} hosts: correct the index, or make hostBlock larger on all hosts`,
    );
  }
}

function checkInterfaceIndex({ interfaceBlock }: PoolConf, index: number): void {
  const nics = 1n << BigInt(interfaceBlock);
  if (!Number.isSafeInteger(index) || index < 0 || BigInt(index) >= nics) {
    throw invalid(
      `ipam.interfaceBlock: ${interfaceBlock} has room for ${nics} ${nics === 1n ? "NIC" : "NICs"} ` +
        `(0..${nics - 1n}), and interface index ${index} is wanted; make it larger on all hosts, or attach fewer NICs`,
    );
  }
}

/**
 * An exclude that touches no subnet is refused, not ignored: it keeps back nothing, so the addresses that it
 * was written for would be handed out.
 */
function checkExclude(pool: PoolConf, exclude: Cidr): void {
  const text = formatCidr(exclude);
  const { family } = exclude.address;
  const subnets = pool.subnets.map((subnet) => `"${formatCidr(subnet)}"`).join(", ");
  if (!pool.subnets.some((subnet) => subnet.address.family === family)) {
    throw invalid(
      `ipam.excludeCIDRs: "${text}" is IPv${family}, and no subnet is (${subnets}); ` +
        `remove it, or add an IPv${family} subnet`,
    );
  }
  if (!pool.subnets.some((subnet) => overlaps(subnet, exclude))) {
    throw invalid(`ipam.excludeCIDRs: "${text}" is outside ${subnets}; correct it, or remove it`);
  }
}

function invalid(message: string): CniError {
  return new CniError(ErrorCode.invalidConfig, message);
}
