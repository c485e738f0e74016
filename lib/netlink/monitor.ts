import { RawNetlinkSocket } from "netlink/dist/raw.js";
import { loadAddon, type NetnsAddon } from "../linux/addon.ts";
import { CodecError, decodeMessages, type Message } from "./codec.ts";
import { NETLINK_ROUTE } from "./constants.ts";
import { NetlinkError } from "./error.ts";

/** What is heard of a namespace. */
export interface Listener {
  /** A message of the kernel, of one of the groups. */
  heard(message: Message): void;
  /** Messages were lost: the socket's buffer was full, or one was not understood. What is known is old. */
  missed(): void;
}

/** What carries the bytes. */
export interface MonitorTransport extends Pick<RawNetlinkSocket, "on" | "close" | "addMembership" | "unref"> {
  /** Messages that it had no room for so far */
  dropped(): number;
}

/**
 * Listens to multicast groups (RTNLGRP_*) of the namespace that the thread is in when it is called: from within
 * Netns.run. Keeps no process alive. Throws NetlinkError where the kernel gives no socket.
 */
export function monitor(
  groups: readonly number[],
  listener: Listener,
  open: () => MonitorTransport = openSocket,
): Disposable {
  const raw = join(groups, open);
  let closed = false;
  let dropped = 0;
  raw.on("message", (bytes, { port }) => {
    // Any process may send to a netlink socket; only port 0 is the kernel.
    if (closed || port !== 0) return;
    try {
      for (const message of decodeMessages(bytes)) listener.heard(message);
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      listener.missed();
    }
    // What it has no room for comes while others wait to be read: it is noticed with the last of these at the latest.
    const now = raw.dropped();
    if (now === dropped) return;
    dropped = now;
    listener.missed();
  });
  raw.on("error", () => {
    if (!closed) listener.missed();
  });
  raw.unref();
  return {
    [Symbol.dispose]: () => {
      if (closed) return;
      closed = true;
      // Not at once: we may be within the native code's receive loop, which goes on with the closed socket.
      setImmediate(() => raw.close());
    },
  };
}

function openSocket(): MonitorTransport {
  const raw = new RawNetlinkSocket(NETLINK_ROUTE);
  const { tuneNetlink, dropped } = loadAddon<NetnsAddon>("netns");
  const fd = tuneNetlink(raw.address().port) >> 3;
  // Called once before the first message, as it also keeps the socket from failing.
  dropped(fd);
  return Object.assign(raw, { dropped: () => dropped(fd) });
}

function join(groups: readonly number[], open: () => MonitorTransport): MonitorTransport {
  try {
    const raw = open();
    for (const group of groups) raw.addMembership(group);
    return raw;
  } catch (error) {
    const { errno, message } = error as NodeJS.ErrnoException;
    if (errno === undefined) throw error;
    throw new NetlinkError(Math.abs(errno), {
      request: "listen to netlink groups",
      index: 0,
      explanation: message,
    });
  }
}
