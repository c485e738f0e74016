import {
  aligned,
  CodecError,
  decodeAttributes,
  encodedLength,
  headerView,
  type Message,
  optional,
  type Request,
  readText,
} from "./codec.ts";
import * as k from "./constants.ts";

/** What the kernel answered to one request. */
export interface Answer {
  readonly replies: Message[];
  /** 0 where it was granted */
  readonly errno: number;
  /** The extended acknowledgement's text, or "" */
  readonly explanation: string;
  /** A dump during which what is dumped changed: some of it may be missing (NLM_F_DUMP_INTR). */
  readonly interrupted: boolean;
}

/** Requests that went out in one sendmsg, and what is known of them. */
export interface Exchange {
  readonly requests: readonly Request[];
  /** Sequence number of the first; the others follow. */
  readonly seq: number;
  readonly answers: (Answer | undefined)[];
  readonly replies: Message[][];
}

// Each answer takes up to 1.3 kB of the socket's receive buffer of 208 kB; those beyond it are lost (ENOBUFS).
const mostMessages = 64;
const mostBytes = 32 * 1024;

/** RTM_GET* with NLM_F_DUMP: to other types these bits are NLM_F_REPLACE and NLM_F_EXCL. */
export function isDump(request: Request): boolean {
  return (request.type & 3) === 2 && (request.flags & k.NLM_F_DUMP) === k.NLM_F_DUMP;
}

/** The requests cut into runs for one sendmsg each. A dump ends its run: a socket has one dump at a time. */
export function runsOf(requests: readonly Request[]): Request[][] {
  const runs: Request[][] = [];
  let run: Request[] = [];
  let bytes = 0;
  for (const request of requests) {
    const length = encodedLength(request);
    const previous = run.at(-1);
    const ended = previous !== undefined && isDump(previous);
    if (run.length === 0 || ended || run.length >= mostMessages || bytes + length > mostBytes) {
      run = [];
      bytes = 0;
      runs.push(run);
    }
    run.push(request);
    bytes += length;
  }
  return runs;
}

export function newExchange(requests: readonly Request[], seq: number): Exchange {
  return { requests, seq, answers: requests.map(() => undefined), replies: requests.map(() => []) };
}

/** Takes a message of the kernel in; says whether every request is answered. Throws CodecError. */
export function takeMessage(exchange: Exchange, message: Message): boolean {
  const index = message.seq - exchange.seq;
  const replies = exchange.replies[index];
  // Of another exchange, one that was given up.
  if (replies === undefined || exchange.answers[index] !== undefined) return false;
  if (message.type === k.NLMSG_NOOP) return false;
  if (message.type !== k.NLMSG_ERROR && message.type !== k.NLMSG_DONE) {
    replies.push(message);
    return false;
  }
  exchange.answers[index] = {
    ...verdictOf(message),
    replies,
    interrupted: [...replies, message].some(wasInterrupted),
  };
  return exchange.answers.every((answer) => answer !== undefined);
}

function wasInterrupted(message: Message): boolean {
  return (message.flags & k.NLM_F_MULTI) !== 0 && (message.flags & k.NLM_F_DUMP_INTR) !== 0;
}

// struct nlmsgerr: error i32, the request's header, its payload unless capped, attributes where flagged.
// An NLMSG_DONE has an i32 too, and the attributes right behind it (netlink_dump_done).
function verdictOf(message: Message): { errno: number; explanation: string } {
  const view = headerView(message.body, 4, "nlmsgerr");
  const errno = Math.abs(view.getInt32(0, true));
  if ((message.flags & k.NLM_F_ACK_TLVS) === 0) return { errno, explanation: "" };
  const attributes = decodeAttributes(
    message.body,
    message.type === k.NLMSG_DONE ? 4 : endOfRequest(message),
  );
  return { errno, explanation: optional(attributes, k.NLMSGERR_ATTR_MSG, readText) ?? "" };
}

function endOfRequest(message: Message): number {
  const view = headerView(message.body, 20, "nlmsgerr");
  if ((message.flags & k.NLM_F_CAPPED) !== 0) return 20;
  const end = 4 + aligned(view.getUint32(4, true));
  if (end > message.body.length)
    throw new CodecError(`nlmsgerr of ${message.body.length} bytes, ${end} expected`);
  return end;
}
