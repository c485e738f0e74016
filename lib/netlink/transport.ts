import { RawNetlinkSocket } from "netlink/dist/raw.js";
import { loadAddon, type NetnsAddon } from "../linux/addon.ts";
import { processWide } from "../linux/process-wide.ts";
import { NETLINK_ROUTE } from "./constants.ts";
import { NetlinkError } from "./error.ts";

/** What became of a send; `errno` may be negated. */
export type Sent = (error: { readonly errno: number; readonly message: string } | undefined) => void;

/** What carries the bytes of a socket. */
export interface Transport extends Pick<RawNetlinkSocket, "on" | "close" | "ref" | "unref"> {
  send(bytes: Uint8Array, options: object, sent: Sent): void;
}

/** Of all copies of this module: the one that opens a socket is another than the one that was told. */
const settings = processWide("netlink.transport", () => ({ offThread: false }));

/**
 * From now on sockets send in threads of libuv's pool: the kernel serves a request before send(2) returns, and what
 * deletes a link waits for all its readers. That is for a process that has other calls to serve meanwhile.
 */
export function sendOffThread(): void {
  settings.offThread = true;
}

/** A socket in the namespace the thread is in. Throws NetlinkError where the kernel gives none. */
export function openTransport(): Transport {
  try {
    const raw = new RawNetlinkSocket(NETLINK_ROUTE);
    const fd = loadAddon<NetnsAddon>("netns").tuneNetlink(raw.address().port) >> 3;
    return settings.offThread ? threaded(raw, fd) : raw;
  } catch (error) {
    const { errno, message } = error as NodeJS.ErrnoException;
    if (errno === undefined) throw error;
    throw new NetlinkError(errno, { request: "open a netlink socket", index: 0, explanation: message });
  }
}

/** Receives as before. It is closed once nothing is being sent: a thread may have its descriptor. */
function threaded(raw: RawNetlinkSocket, fd: number): Transport {
  const { sendInThread } = loadAddon<NetnsAddon>("netns");
  let sending = 0;
  let closed = false;
  return {
    on: raw.on.bind(raw) as Transport["on"],
    ref: () => raw.ref(),
    unref: () => raw.unref(),
    send(bytes, _options, sent) {
      const end = (errno: number) => {
        sending--;
        if (closed && sending === 0) raw.close();
        sent(errno === 0 ? undefined : { errno, message: "the request could not be sent" });
      };
      sending++;
      const errno = sendInThread(fd, bytes, end);
      if (errno !== 0) end(errno);
    },
    close() {
      closed = true;
      if (sending === 0) raw.close();
    },
  };
}
