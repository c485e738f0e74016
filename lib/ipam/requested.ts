import * as z from "zod/mini";
import { valueIn } from "../cni/conf.ts";
import { CniError, ErrorCode } from "../cni/error.ts";
import type { Invocation } from "../cni/invocation.ts";
import { optionalTexts, parseConf } from "../cni/netconf.ts";
import type { IpAddress } from "../net/address.ts";
import {
  bitsOf,
  containsAddress,
  formatAddress,
  formatCidr,
  parseAddress,
  parseCidr,
} from "../net/address.ts";
import type { Block } from "./blocks.ts";
import type { LeaseRequest } from "./record.ts";

const RequestingConf = () => {
  const ips = z.optional(z.looseObject({ ips: optionalTexts }));
  return z.looseObject({ args: z.optional(z.looseObject({ cni: ips })), runtimeConfig: ips });
};

/** An address that somebody asks for, and where. */
export interface RequestedAddress {
  readonly address: IpAddress;
  /** Undefined where the text has none. */
  readonly prefix: number | undefined;
  readonly key: string;
}

/**
 * What is asked for in CNI_ARGS (IP=a,b), args.cni.ips and runtimeConfig.ips, each address once. Throws CniError
 * invalidConfig for what is no address.
 */
export function requestedAddresses({ args, conf }: Pick<Invocation, "args" | "conf">): RequestedAddress[] {
  const asks = valueIn(conf, "args") !== undefined || valueIn(conf, "runtimeConfig") !== undefined;
  const parsed: z.infer<ReturnType<typeof RequestingConf>> = asks ? parseConf(RequestingConf(), conf) : {};
  const asked = [
    ...requests("CNI_ARGS IP", (args.get("IP") ?? "").split(",")),
    ...requests("args.cni.ips", parsed.args?.cni?.ips),
    ...requests("runtimeConfig.ips", parsed.runtimeConfig?.ips),
  ];
  const isSame = (a: RequestedAddress, b: RequestedAddress) =>
    a.address.family === b.address.family && a.address.value === b.address.value;
  return asked.filter((request, at) => asked.findIndex((other) => isSame(other, request)) === at);
}

function requests(key: string, texts: readonly string[] = []): RequestedAddress[] {
  return texts
    .map((text) => text.trim())
    .filter((text) => text !== "")
    .map((text) => parseRequested(key, text));
}

function parseRequested(key: string, text: string): RequestedAddress {
  try {
    if (!text.includes("/")) return { address: parseAddress(text), prefix: undefined, key };
    const { address, prefix } = parseCidr(text);
    return { address, prefix, key };
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new CniError(ErrorCode.invalidConfig, `${key}: ${cause.message}; write it as in 192.168.0.5`, {
      cause,
    });
  }
}

/**
 * A request for every block of every NIC, with the requested address that lies in it, if any. Throws CniError
 * invalidConfig for one outside all blocks, two in one block, or a prefix length that is not what it would get.
 */
export function leaseRequests(
  blocks: readonly (readonly Block[])[],
  requested: readonly RequestedAddress[],
): LeaseRequest[] {
  const all = blocks.flat();
  for (const request of requested) checkInside(request, all);
  return blocks.flatMap((ofNic, nic) =>
    ofNic.map((block): LeaseRequest => {
      const within = requested.filter(({ address }) => containsAddress(block.pod, address));
      const [first, second] = within;
      if (first === undefined) return { nic, block };
      if (second !== undefined) throw bothInside(first, second, block);
      checkPrefix(first, block);
      return { nic, block, requested: first.address };
    }),
  );
}

function checkInside({ address, key }: RequestedAddress, blocks: readonly Block[]): void {
  if (blocks.some((block) => containsAddress(block.pod, address))) return;
  const choice = blocks.map((block) => `${formatCidr(block.pod)} (interface ${block.interfaceIndex})`);
  throw new CniError(
    ErrorCode.invalidConfig,
    `${key}: "${formatAddress(address)}" is outside this host's blocks; request an address of ${choice.join(", ")}`,
  );
}

/** An address alone, or as a /32 or /128, leaves the prefix length to the network; any other has to be right. */
function checkPrefix({ address, prefix, key }: RequestedAddress, block: Block): void {
  if (prefix === undefined || prefix === block.prefix || prefix === bitsOf(block.family)) return;
  const text = formatAddress(address);
  throw new CniError(
    ErrorCode.invalidConfig,
    `${key}: "${text}/${prefix}" has another prefix length than its network; write "${text}/${block.prefix}" or "${text}"`,
  );
}

function bothInside(first: RequestedAddress, second: RequestedAddress, block: Block): CniError {
  return new CniError(
    ErrorCode.invalidConfig,
    `${second.key}: "${formatAddress(first.address)}" and "${formatAddress(second.address)}" are both of ` +
      `${formatCidr(block.pod)}; request one address for each NIC and family`,
  );
}
