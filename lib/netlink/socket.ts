import { type Answer, type Exchange, isDump, newExchange, runsOf, takeMessage } from "./batch.ts";
import { decodeMessages, encodeMessages, type Message, type Request } from "./codec.ts";
import { NLM_F_ACK } from "./constants.ts";
import { NetlinkError } from "./error.ts";
import { openTransport, type Transport } from "./transport.ts";

/** What a namespace's links, addresses, routes and rules are read and changed through. */
export interface Netlink {
  /** The replies to each request; throws the NetlinkError of the first refused one, after all are answered. */
  request(batch: readonly Request[]): Promise<Message[][]>;
  close(): void;
}

/** How long the kernel may take to answer what one sendmsg asked. */
const patience = 5_000;

/** How often a dump is repeated that changed under way, or outran the socket's buffer. */
const mostAttempts = 5;

// errno.h
const EINTR = 4;
const EBADF = 9;
const EPROTO = 71;
const ENOBUFS = 105;
const ETIMEDOUT = 110;

/** The socket failed, and with it whatever was not answered. */
interface Breakdown {
  readonly errno: number;
  readonly explanation: string;
}

interface Waiting {
  readonly exchange: Exchange;
  settle(breakdown?: Breakdown): void;
}

/** An rtnetlink socket of the namespace the thread is in when it is made. Batches go out one after the other. */
export class NetlinkSocket implements Netlink {
  readonly #raw: Transport;
  #seq = 1;
  #turn: Promise<unknown> = Promise.resolve();
  #waiting: Waiting | undefined;
  #closed = false;

  /** Throws NetlinkError where the kernel gives no socket. */
  constructor(transport: Transport = openTransport()) {
    this.#raw = transport;
    this.#raw.on("message", (bytes, { port }) => this.#receive(bytes, port));
    this.#raw.on("error", ({ errno, message }) => this.#waiting?.settle({ errno, explanation: message }));
    // An idle socket keeps no process alive; #exchange holds it while it waits.
    this.#raw.unref();
  }

  request(batch: readonly Request[]): Promise<Message[][]> {
    const answered = this.#turn.then(() => this.#run(batch));
    this.#turn = answered.catch(() => {});
    return answered;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#waiting?.settle({ errno: EBADF, explanation: "the socket was closed" });
    // Not at once: we may be within the native code's receive loop, which goes on with the closed socket.
    setImmediate(() => this.#raw.close());
  }

  async #run(batch: readonly Request[]): Promise<Message[][]> {
    const answers: Answer[] = [];
    for (const run of runsOf(batch)) {
      const { exchange, breakdown } = await this.#persist(run);
      for (const answer of exchange.answers) {
        if (answer === undefined) break;
        answers.push(answer);
      }
      if (breakdown !== undefined) throw brokenOff(batch, answers, breakdown);
    }
    throwRefusals(batch, answers);
    return answers.map(({ replies }) => replies);
  }

  /** An exchange; where it ends in a dump that came out incomplete, that is repeated. */
  async #persist(run: readonly Request[]): Promise<{ exchange: Exchange; breakdown?: Breakdown }> {
    const first = await this.#exchange(run);
    const last = run.length - 1;
    const dump = run[last];
    if (dump === undefined || !isDump(dump) || !isIncomplete(first, last)) return first;
    for (let attempt = 2; attempt <= mostAttempts; attempt++) {
      const again = await this.#exchange([dump]);
      if (isIncomplete(again, 0)) continue;
      first.exchange.answers[last] = again.exchange.answers[0];
      return again.breakdown === undefined
        ? { exchange: first.exchange }
        : { ...again, exchange: first.exchange };
    }
    first.exchange.answers[last] = undefined;
    return {
      exchange: first.exchange,
      breakdown: { errno: EINTR, explanation: `it changed during each of ${mostAttempts} attempts` },
    };
  }

  /** Sends, and waits until all is answered, the socket fails, or patience ends. */
  #exchange(requests: readonly Request[]): Promise<{ exchange: Exchange; breakdown?: Breakdown }> {
    const exchange = newExchange(requests.map(acknowledged), this.#nextSeq(requests.length));
    return new Promise((resolve) => {
      const expire = () =>
        settle({ errno: ETIMEDOUT, explanation: `no answer from the kernel within ${patience / 1000} s` });
      // Within sendmsg(2) the kernel serves the request, once the others' work under the RTNL is done. A loop that this
      // kept waiting runs its timers first; the answer that is there by then is read before an immediate.
      const timer = setTimeout(() => setImmediate(expire), patience).unref();
      const settle = (breakdown?: Breakdown) => {
        if (this.#waiting?.exchange !== exchange) return;
        this.#waiting = undefined;
        clearTimeout(timer);
        if (!this.#closed) this.#raw.unref();
        resolve(breakdown === undefined ? { exchange } : { exchange, breakdown });
      };
      this.#waiting = { exchange, settle };
      if (this.#closed) return settle({ errno: EBADF, explanation: "the socket is closed" });
      this.#send(exchange, settle);
    });
  }

  #send(exchange: Exchange, settle: (breakdown: Breakdown) => void): void {
    try {
      this.#raw.ref();
      this.#raw.send(encodeMessages(exchange.requests, exchange.seq), {}, (error) => {
        // The package gives a send's errno negated, a receive's not.
        if (error !== undefined) settle({ errno: Math.abs(error.errno), explanation: error.message });
      });
    } catch (error) {
      // The native code closes a socket whose polling failed.
      settle({ errno: EBADF, explanation: String(error) });
    }
  }

  #receive(bytes: Uint8Array, port: number): void {
    const waiting = this.#waiting;
    // Only port 0 is the kernel; any process may send to a netlink socket.
    if (waiting === undefined || port !== 0) return;
    try {
      for (const message of decodeMessages(bytes)) {
        if (takeMessage(waiting.exchange, message)) waiting.settle();
      }
    } catch (error) {
      waiting.settle({ errno: EPROTO, explanation: String(error) });
    }
  }

  #nextSeq(count: number): number {
    if (this.#seq + count > 0xffffffff) this.#seq = 1;
    const seq = this.#seq;
    this.#seq += count;
    return seq;
  }
}

function acknowledged(request: Request): Request {
  return { ...request, flags: request.flags | NLM_F_ACK };
}

function isIncomplete(outcome: { exchange: Exchange; breakdown?: Breakdown }, dump: number): boolean {
  const { exchange, breakdown } = outcome;
  if (breakdown === undefined) return exchange.answers[dump]?.interrupted === true;
  // What precedes the dump is not repeated: it may have been done.
  const precedingAnswered = exchange.answers.slice(0, dump).every((answer) => answer !== undefined);
  return breakdown.errno === ENOBUFS && precedingAnswered;
}

function refusalsOf(batch: readonly Request[], answers: readonly Answer[]): NetlinkError[] {
  return answers.flatMap(({ errno, explanation }, index) => {
    if (errno === 0) return [];
    return new NetlinkError(errno, { request: batch[index]?.label ?? "", index, explanation });
  });
}

function throwRefusals(batch: readonly Request[], answers: readonly Answer[]): void {
  const [first, ...others] = refusalsOf(batch, answers);
  if (first === undefined) return;
  const { errno, request, index, explanation } = first;
  throw new NetlinkError(errno, { request, index, explanation, others });
}

/** The error for the first request that was not answered. */
function brokenOff(
  batch: readonly Request[],
  answers: readonly Answer[],
  breakdown: Breakdown,
): NetlinkError {
  const index = answers.length;
  const request = batch[index]?.label ?? "";
  return new NetlinkError(breakdown.errno, {
    ...breakdown,
    request,
    index,
    others: refusalsOf(batch, answers),
  });
}
