import { RawNetlinkSocket } from "netlink/dist/raw.js";
import { NETLINK_RDMA } from "./constants.ts";
import { NetlinkError } from "./error.ts";
import { NetlinkSocket } from "./socket.ts";

/** A namespace that a thread can be in. */
interface Enterable {
  run<T>(fn: () => T): T;
}

/** A socket of that namespace for RDMA devices. Dispose of it. */
export type RdmaSocket = NetlinkSocket & Disposable;

/**
 * Opens it; the kernel loads ib_core for that, so ask only where there is an RDMA device.
 * Throws NetlinkError: EPROTONOSUPPORT where the kernel has no RDMA.
 */
export function openRdma(netns: Enterable): RdmaSocket {
  const raw = open(netns);
  const socket = new NetlinkSocket({
    on: raw.on.bind(raw) as RawNetlinkSocket["on"],
    close: () => raw.close(),
    ref: () => raw.ref(),
    unref: () => raw.unref(),
    // The kernel takes a device out of the namespace of the thread that sends, whatever the socket's
    // (ib_device_set_netns_put). The package sends at once, unless it has something left to send.
    send: (bytes, options, sent) => netns.run(() => raw.send(bytes, options, sent)),
  });
  return Object.assign(socket, { [Symbol.dispose]: () => socket.close() });
}

function open(netns: Enterable): RawNetlinkSocket {
  try {
    return netns.run(() => new RawNetlinkSocket(NETLINK_RDMA));
  } catch (error) {
    const { errno, message } = error as NodeJS.ErrnoException;
    if (errno === undefined) throw error;
    const request = "open a netlink socket for RDMA";
    throw new NetlinkError(Math.abs(errno), { request, index: 0, explanation: message });
  }
}
