import {
  decodeAttributes,
  encodeAttributes,
  findAttribute,
  optional,
  type Request,
  readText,
  readU8,
  readU32,
  text,
  u32,
} from "../codec.ts";
import { NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST } from "../constants.ts";

// rdma/rdma_netlink.h. The requests have no header of their own: attributes follow nlmsghdr (nldev.c).
const ofNldev = (command: number): number => (5 << 10) + command;
const RDMA_NLDEV_CMD_GET = ofNldev(1);
const RDMA_NLDEV_CMD_SET = ofNldev(2);
const RDMA_NLDEV_CMD_SYS_GET = ofNldev(6);
const RDMA_NLDEV_ATTR_DEV_INDEX = 1;
const RDMA_NLDEV_ATTR_DEV_NAME = 2;
const RDMA_NLDEV_SYS_ATTR_NETNS_MODE = 66;
const RDMA_NLDEV_NET_NS_FD = 68;

/** An RDMA device. */
export interface RdmaDevice {
  /** The kernel's number of it, which it keeps through moves and new names, and which none after it gets */
  readonly index: number;
  /** "mlx5_0": one on the machine, whatever its namespace */
  readonly name: string;
}

/** Whether every namespace has every RDMA device, or each has its own. */
export type NetnsMode = "shared" | "exclusive";

/** The machine's settings. */
export function getRdmaSystem(): Request {
  return {
    type: RDMA_NLDEV_CMD_SYS_GET,
    flags: NLM_F_REQUEST | NLM_F_ACK,
    label: "read the RDMA namespace mode",
    body: new Uint8Array(0),
  };
}

/** Of the answer to getRdmaSystem. Kernels that do not tell (before 5.2) share. Throws CodecError. */
export function decodeNetnsMode({ body }: { readonly body: Uint8Array }): NetnsMode {
  const mode = findAttribute(body, RDMA_NLDEV_SYS_ATTR_NETNS_MODE);
  return mode === undefined || readU8(mode) !== 0 ? "shared" : "exclusive";
}

/** The RDMA devices of the socket's namespace. */
export function dumpRdmaDevices(): Request {
  return {
    type: RDMA_NLDEV_CMD_GET,
    flags: NLM_F_REQUEST | NLM_F_ACK | NLM_F_DUMP,
    label: "list the RDMA devices",
    body: new Uint8Array(0),
  };
}

/** Throws CodecError. */
export function decodeRdmaDevice({ body }: { readonly body: Uint8Array }): RdmaDevice {
  const attributes = decodeAttributes(body);
  return {
    index: optional(attributes, RDMA_NLDEV_ATTR_DEV_INDEX, readU32) ?? -1,
    name: optional(attributes, RDMA_NLDEV_ATTR_DEV_NAME, readText) ?? "",
  };
}

/**
 * Moves a device to the namespace of a descriptor, from that of the socket, which the sending thread has to be in
 * (ib_device_set_netns_put; openRdma sees to it). EINVAL where the socket's namespace has no such device; EOPNOTSUPP
 * where the driver cannot take it from its users, or the mode is shared.
 */
export function moveRdmaDevice(index: number, netnsFd: number, label: string): Request {
  return setRdmaDevice(index, label, u32(RDMA_NLDEV_NET_NS_FD, netnsFd));
}

/** EEXIST where another device of the machine has the name. */
export function renameRdmaDevice(index: number, name: string, label: string): Request {
  return setRdmaDevice(index, label, text(RDMA_NLDEV_ATTR_DEV_NAME, name));
}

function setRdmaDevice(index: number, label: string, change: ReturnType<typeof u32>): Request {
  return {
    type: RDMA_NLDEV_CMD_SET,
    flags: NLM_F_REQUEST | NLM_F_ACK,
    label,
    body: encodeAttributes([u32(RDMA_NLDEV_ATTR_DEV_INDEX, index), change]),
  };
}
