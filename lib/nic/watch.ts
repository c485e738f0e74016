import type { Netns } from "../linux/netns.ts";
import { type Message, viewOf } from "../netlink/codec.ts";
import {
  RTM_DELADDR,
  RTM_DELLINK,
  RTM_NEWADDR,
  RTM_NEWLINK,
  RTNLGRP_IPV4_IFADDR,
  RTNLGRP_IPV6_IFADDR,
  RTNLGRP_LINK,
} from "../netlink/constants.ts";
import { type Listener, monitor } from "../netlink/monitor.ts";
import type { HostNic } from "./host-nic.ts";
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
}

/** The parts that a test may stand in for. */
export interface WatchParts {
  survey(): Promise<readonly HostNic[]>;
  listen(listener: Listener): Disposable;
}

/** What is watched: the NICs as they are known now. */
export interface NicWatch extends Disposable {
  readonly nics: readonly HostNic[];
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
    survey: () => surveyNics(view, options),
    listen: (listener) => host.run(() => monitor(groups, listener)),
  };
  return watch(parts, changed, options);
}

export async function watch(
  parts: WatchParts,
  changed: (changes: readonly NicChange[]) => void,
  options: WatchOptions,
): Promise<NicWatch> {
  const { resync = 60_000, settle = 50, failed = () => {} } = options;
  let nics: readonly HostNic[] = [];
  const look = oneAtATime(settle, failed, async (isEnded) => {
    const found = await parts.survey();
    if (isEnded()) return;
    const changes = compare(nics, found);
    nics = found;
    if (changes.length > 0) changed(changes);
  });
  // Before the first look, so that what changes during it is not missed.
  const listening = parts.listen({
    heard: (message) => concerns(message, nics, options) && look.soon(),
    missed: look.soon,
  });
  const slow = setInterval(look.soon, resync).unref();
  const end = () => {
    look.end();
    clearInterval(slow);
    listening[Symbol.dispose]();
  };
  try {
    nics = await parts.survey();
  } catch (error) {
    end();
    throw error;
  }
  return {
    get nics() {
      return nics;
    },
    [Symbol.dispose]: end,
  };
}

/** What is asked for soon is done once for all who ask within `settle` ms, and never twice at a time. */
function oneAtATime(
  settle: number,
  failed: (error: unknown) => void,
  work: (isEnded: () => boolean) => Promise<void>,
) {
  let timer: NodeJS.Timeout | undefined;
  let turn = Promise.resolve();
  let ended = false;
  const isEnded = () => ended;
  const report = (error: unknown) => {
    if (!ended) failed(error);
  };
  const begin = () => {
    timer = undefined;
    turn = turn.then(() => (ended ? undefined : work(isEnded))).catch(report);
  };
  return {
    soon: () => {
      if (!ended) timer ??= setTimeout(begin, settle).unref();
    },
    end: () => {
      ended = true;
      clearTimeout(timer);
    },
  };
}

/** Whether a message may be about a NIC: that of a link that can be one, or of an address on one. */
function concerns(message: Message, nics: readonly HostNic[], { virtual }: SurveyOptions): boolean {
  // struct ifinfomsg and struct ifaddrmsg both have the ifindex at 4.
  if (message.body.length < 8) return false;
  const index = viewOf(message.body).getInt32(4, true);
  const isKnown = nics.some((nic) => nic.index === index);
  if (message.type === RTM_NEWADDR || message.type === RTM_DELADDR) return isKnown;
  if (message.type !== RTM_NEWLINK && message.type !== RTM_DELLINK) return false;
  return isKnown || mayCount(message, virtual);
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
