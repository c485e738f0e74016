import type { Netns } from "../linux/netns.ts";
import { formatAddress } from "../net/address.ts";
import { type Message, viewOf } from "../netlink/codec.ts";
import {
  RTM_DELLINK,
  RTM_NEWADDR,
  RTM_NEWLINK,
  RTNLGRP_IPV4_IFADDR,
  RTNLGRP_IPV6_IFADDR,
  RTNLGRP_LINK,
} from "../netlink/constants.ts";
import { decodeAddress } from "../netlink/message/address.ts";
import { type Listener, monitor } from "../netlink/monitor.ts";
import type { HostNic } from "./host-nic.ts";
import { type Heard, oneAtATime } from "./look.ts";
import { mayCount, type SurveyOptions, surveyNics } from "./survey.ts";

export type NicChange =
  | { readonly type: "appeared"; readonly nic: HostNic }
  | { readonly type: "changed"; readonly nic: HostNic; readonly before: HostNic }
  | { readonly type: "vanished"; readonly before: HostNic };

export interface WatchOptions extends SurveyOptions {
  /** "/sys", or another tree's */
  readonly sys?: string;
  /** ms between looks at everything, for what no message tells (speed, virtual functions, RDMA); 60,000 */
  readonly resync?: number;
  /** ms that a message waits for others, so that a burst is one look; 50 */
  readonly settle?: number;
  /** Told when a look failed; the next one comes with the next message or resync. */
  readonly failed?: (error: unknown) => void;
  /** Told when messages were lost (ENOBUFS); a look at everything follows. */
  readonly missed?: () => void;
}

/** The parts that a test may stand in for. */
export interface WatchParts {
  survey(options: SurveyOptions): Promise<readonly HostNic[]>;
  listen(listener: Listener): Disposable;
}

/** What is watched: the NICs as they are known now. */
export interface NicWatch extends Disposable {
  readonly nics: readonly HostNic[];
  /** Has links with one of these addresses count too, of whatever kind. Resolves after a look that knows of it; throws NetlinkError. */
  follow(addresses: ReadonlySet<string>): Promise<void>;
  /**
   * Tells of each look once its changes were told, though there were none: a NIC that went down and up again between two
   * looks is as it was, and has lost its routes.
   */
  onLook(told: (heard: Heard) => void): Disposable;
}

const groups = [RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR];

/**
 * Watches the NICs of a namespace until it is disposed of. The first look is taken before it answers; what changes after
 * it is told, all changes of one look at once. Messages about pods' links cost no look. Keeps no process alive. Throws
 * NetlinkError.
 */
export function watchNics(
  host: Netns,
  changed: (changes: readonly NicChange[]) => void,
  options: WatchOptions = {},
): Promise<NicWatch> {
  const view = { netlink: host.netlink, sys: options.sys ?? "/sys" };
  const parts: WatchParts = {
    survey: (what) => surveyNics(view, what),
    listen: (listener) => host.run(() => monitor(groups, listener)),
  };
  return watch(parts, changed, options);
}

export async function watch(
  parts: WatchParts,
  changed: (changes: readonly NicChange[]) => void,
  options: WatchOptions,
): Promise<NicWatch> {
  const { resync = 60_000, settle = 50, failed = () => {}, missed = () => {} } = options;
  const { virtual = [] } = options;
  let counted: SurveyOptions = { virtual, addresses: options.addresses ?? new Set() };
  let nics: readonly HostNic[] = [];
  const lookers = new Set<(heard: Heard) => void>();
  const look = oneAtATime(settle, failed, async (heard, isEnded) => {
    const found = await parts.survey(counted);
    if (isEnded()) return;
    const changes = compare(nics, found);
    nics = found;
    if (changes.length > 0) changed(changes);
    for (const told of lookers) told(heard);
  });
  // Before the first look, so that what changes during it is not missed.
  const listening = parts.listen({
    heard: (message) => {
      const index = concernOf(message, nics, counted);
      if (index !== undefined) look.soon(index);
    },
    missed: () => {
      missed();
      look.soon("all");
    },
  });
  const slow = setInterval(look.soon, resync, "all").unref();
  const end = () => {
    look.end();
    clearInterval(slow);
    listening[Symbol.dispose]();
  };
  try {
    nics = await parts.survey(counted);
  } catch (error) {
    end();
    throw error;
  }
  return {
    get nics() {
      return nics;
    },
    follow(addresses) {
      counted = { virtual, addresses };
      return look.now();
    },
    onLook(told) {
      lookers.add(told);
      return { [Symbol.dispose]: () => void lookers.delete(told) };
    },
    [Symbol.dispose]: end,
  };
}

/** The link that a message is about, where it may be a NIC, or the message gives it an address that makes it one. */
function concernOf(
  message: Message,
  nics: readonly HostNic[],
  { virtual, addresses }: SurveyOptions,
): number | undefined {
  // struct ifinfomsg and struct ifaddrmsg both have the ifindex at 4.
  if (message.body.length < 8) return undefined;
  const index = viewOf(message.body).getInt32(4, true);
  if (nics.some((nic) => nic.index === index)) return index;
  if (message.type === RTM_NEWADDR)
    return addresses?.has(formatAddress(decodeAddress(message).cidr.address)) ? index : undefined;
  if (message.type !== RTM_NEWLINK && message.type !== RTM_DELLINK) return undefined;
  return mayCount(message, virtual) ? index : undefined;
}

/** A NIC is told from others by its ifindex: one that is renamed has changed, one that is plugged in anew is another. */
function compare(before: readonly HostNic[], after: readonly HostNic[]): NicChange[] {
  const old = new Map(before.map((nic) => [nic.index, nic]));
  const now = new Set(after.map(({ index }) => index));
  const vanished = before.filter(({ index }) => !now.has(index));
  return [
    ...vanished.map((nic) => ({ type: "vanished", before: nic }) as const),
    ...after.flatMap((nic): NicChange[] => {
      const known = old.get(nic.index);
      if (known === undefined) return [{ type: "appeared", nic }];
      return textOf(known) === textOf(nic) ? [] : [{ type: "changed", nic, before: known }];
    }),
  ];
}

const textOf = (nic: HostNic): string =>
  JSON.stringify(nic, (_key, value) => (typeof value === "bigint" ? `${value}` : value));
