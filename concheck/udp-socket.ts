import { createSocket, type Socket } from "node:dgram";
import { isIPv6 } from "node:net";
import { loadAddon, type NetnsAddon } from "../lib/linux/addon.ts";

/** An address of a pod, and its link where that is known: UDP then comes and goes by this link alone. */
export interface OwnAddress {
  readonly address: string;
  readonly ifname?: string;
}

/**
 * A UDP socket of the namespace that the thread is in, bound when this returns; undefined: the kernel refuses, as it has
 * no such address or link. A kernel before 5.7 binds to a link for root only: there, and only there, it is bound to the
 * address alone.
 */
export function boundUdp(own: OwnAddress, port: number): Socket | undefined {
  const socket = createSocket({ type: isIPv6(own.address) ? "udp6" : "udp4", lookup: asIs });
  let isRefused = false;
  socket.on("error", () => {
    isRefused = true;
  });
  const fd = ofLink(own, port);
  if (fd === undefined) socket.bind({ address: own.address, port, exclusive: true });
  else if (fd >= 0) socket.bind({ fd, exclusive: true });
  if (isRefused || (fd !== undefined && fd < 0)) {
    socket.close();
    return undefined;
  }
  socket.address(); // throws where it is not bound yet
  return socket;
}

const EPERM = 1;

/** The descriptor, or an errno times -1; undefined: the link is not known, or may not be bound to. */
function ofLink({ address, ifname }: OwnAddress, port: number): number | undefined {
  if (ifname === undefined) return undefined;
  const fd = loadAddon<NetnsAddon>("netns").udpOfLink(ifname, address, port);
  return fd === -EPERM ? undefined : fd;
}

const asIs = (
  host: string,
  family: unknown,
  callback: (error: null, address: string, family: number) => void,
) => callback(null, host, family === 6 ? 6 : 4);
