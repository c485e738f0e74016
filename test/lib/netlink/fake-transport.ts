import { EventEmitter } from "node:events";
import { decodeMessages, type Message } from "../../../lib/netlink/codec.ts";
import type { Transport } from "../../../lib/netlink/transport.ts";

/** A reply in the making: nlmsghdr's fields and the body. */
export interface Sent {
  readonly type: number;
  readonly flags?: number;
  readonly seq: number;
  readonly body?: Uint8Array;
}

export function encodeReply({ type, flags = 0, seq, body = new Uint8Array(0) }: Sent): Buffer {
  const bytes = Buffer.alloc((16 + body.length + 3) & ~3);
  bytes.writeUInt32LE(16 + body.length, 0);
  bytes.writeUInt16LE(type, 4);
  bytes.writeUInt16LE(flags, 6);
  bytes.writeUInt32LE(seq, 8);
  bytes.set(body, 16);
  return bytes;
}

/** NLMSG_ERROR: an acknowledgement, or a refusal with its errno. */
export function ack(seq: number, errno = 0): Sent {
  const body = Buffer.alloc(20);
  body.writeInt32LE(-errno, 0);
  return { type: 2, flags: 0x100, seq, body };
}

/** NLMSG_DONE, the end of a dump. */
export function done(seq: number, flags = 0x2): Sent {
  return { type: 3, flags, seq, body: new Uint8Array(4) };
}

/** A kernel's reaction to one sendmsg: replies, an errno that the receiving gets, or silence. */
export type Reaction =
  | readonly Sent[]
  | { readonly receiveError: number }
  | { readonly sendError: number }
  | undefined;

export interface FakeTransport extends Transport {
  /** The messages of each sendmsg. */
  readonly sends: Message[][];
  /** How often it is held, less how often it is let go. */
  held(): boolean;
  deliver(reply: Sent, port?: number): void;
}

/** A raw socket whose kernel is a function. */
export function fakeTransport(react: (messages: readonly Message[], nth: number) => Reaction): FakeTransport {
  const events = new EventEmitter();
  const sends: Message[][] = [];
  let held = true;
  const failure = (errno: number) => Object.assign(new Error(`errno ${errno}`), { errno });
  const transport = {
    sends,
    held: () => held,
    deliver: (reply: Sent, port = 0) => events.emit("message", encodeReply(reply), { port, groups: 0 }),
    on: (event: string, listener: (...args: unknown[]) => void) => events.on(event, listener),
    ref: () => {
      held = true;
    },
    unref: () => {
      held = false;
    },
    close: () => {
      held = false;
    },
    send: (bytes: Uint8Array, _options: unknown, callback: (error?: Error) => void) => {
      const messages = decodeMessages(bytes);
      sends.push(messages);
      const reaction = react(messages, sends.length);
      setImmediate(() => {
        if (reaction === undefined) return callback();
        // The npm package gives a sendmsg's errno negated.
        if ("sendError" in reaction) return callback(failure(-reaction.sendError));
        callback();
        if ("receiveError" in reaction) events.emit("error", failure(reaction.receiveError));
        else for (const reply of reaction) transport.deliver(reply);
      });
    },
  };
  return transport as unknown as FakeTransport;
}
