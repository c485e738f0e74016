import type { IpAddress } from "../net/address.ts";
import type { Block } from "./blocks.ts";

/** What names an attachment, from ADD to DEL. */
export interface AttachmentKey {
  readonly network: string;
  readonly containerId: string;
  readonly ifname: string;
}

/** "adding" until all is made, then "ready"; "deleting" from when something begins to undo it. */
export type AttachmentState = "adding" | "ready" | "deleting";

/** An attachment as ADD records it, before the kernel is touched. */
export interface NewAttachment extends AttachmentKey {
  /** The executable that made it, and that alone may collect it: "multi-nic", "multi-nic-ipam". */
  readonly owner: string;
  /** Path of the pod's network namespace. */
  readonly netns: string;
  /** "dev:ino" of what the path led to: another pod's namespace may come to lie at the same path. */
  readonly netnsId: string;
  readonly state: AttachmentState;
  /** The process that makes it, or undoes it, as ownProcess() of reclaim.ts gives it. */
  readonly pid: number;
  readonly pidStart: string;
  /** The plan as JSON text; "" where there is none. */
  readonly plan: string;
  /** Milliseconds since the epoch. */
  readonly created: number;
}

export interface AttachmentRecord extends NewAttachment {
  readonly id: number;
}

/** A wish for one address of a block, for one NIC. */
export interface LeaseRequest {
  /** Position of the NIC among those of the attachment. */
  readonly nic: number;
  readonly block: Block;
  /** This address and no other. */
  readonly requested?: IpAddress;
}

export interface Lease {
  readonly nic: number;
  readonly address: IpAddress;
  /** The vlan's prefix length, which the address is configured with. */
  readonly prefix: number;
}
