import { randomBytes } from "node:crypto";
import type { Socket as UdpSocket } from "node:dgram";
import { connect, createServer, isIPv6, type Server, type Socket } from "node:net";
import type { Netns } from "../lib/linux/netns.ts";
import { afterPatience } from "./patience.ts";
import { boundUdp, type OwnAddress } from "./udp-socket.ts";

/** The answer to a probe: how long it took, or what came in its place. */
export type Outcome = { readonly ms: number } | { readonly failure: string };

/** Where an address of an endpoint answers. */
export interface Ports {
  readonly tcp: number;
  readonly udp: number;
}

export interface EndpointSettings {
  /** The pod's namespace, in which every socket is made and so stays */
  readonly netns: Netns;
  readonly addresses: readonly OwnAddress[];
  /** For TCP and UDP; 0: the kernel's choice */
  readonly port: number;
  /** Whether an address may ask */
  readonly isPeer: (address: string) => boolean;
  /** What it answers to who asks for it, as JSON */
  readonly about?: unknown;
}

/** A question is this long: a letter, and bytes that nobody guesses. */
const length = 16;
const [question, answer, introduce] = ["?", "!", "i"].map((letter) => letter.charCodeAt(0));
/** ms after which a connection is closed that asks nothing */
const idle = 10_000;

/** What asks and answers in a pod's place: a TCP server, and a UDP socket for each address. Dispose of it. */
export class Endpoint {
  readonly #netns: Netns;
  readonly #server: Server;
  readonly #sockets = new Map<string, UdpSocket>();
  readonly #waiting = new Map<string, () => void>();
  readonly #connections = new Set<Socket>();

  /** Throws where the namespace cannot be entered, or the kernel refuses a socket. */
  constructor(settings: EndpointSettings) {
    this.#netns = settings.netns;
    this.#server = this.#serve(settings);
    for (const own of settings.addresses) {
      const socket = this.#answerUdp(own, settings);
      if (socket !== undefined) this.#sockets.set(own.address, socket);
    }
  }

  /** undefined: the address is not the namespace's, so nothing answers there. */
  portsOf(address: string): Ports | undefined {
    const udp = this.#sockets.get(address)?.address().port;
    const bound = this.#server.address();
    if (udp === undefined || bound === null || typeof bound === "string") return undefined;
    return { tcp: bound.port, udp };
  }

  /** Connects from one of its addresses, and waits for an echo. */
  probeTcp(source: string, target: string, port: number, timeout: number): Promise<Outcome> {
    const asked = Buffer.concat([Buffer.of(question ?? 0), randomBytes(length - 1)]);
    return new Promise((resolve) => {
      const started = performance.now();
      const socket = this.#inNetns(() => connectNow(source, target, port));
      const end = (outcome: Outcome) => {
        patience[Symbol.dispose]();
        socket.destroy();
        this.#connections.delete(socket);
        resolve(outcome);
      };
      const patience = afterPatience(timeout, () => end({ failure: noAnswer(timeout) }));
      this.#connections.add(socket);
      let got = Buffer.alloc(0);
      socket.on("connect", () => socket.write(asked));
      socket.on("data", (bytes) => {
        got = Buffer.concat([got, bytes]);
        if (got.length < length) return;
        end(got.equals(asked) ? { ms: performance.now() - started } : { failure: "another server answered" });
      });
      socket.on("error", (error: NodeJS.ErrnoException) => end({ failure: error.code ?? error.message }));
      socket.on("close", () => end({ failure: "closed without an answer" }));
    });
  }

  /** Sends from one of its addresses, again and again, until it is answered. */
  probeUdp(source: string, target: string, port: number, timeout: number): Promise<Outcome> {
    const socket = this.#sockets.get(source);
    if (socket === undefined) return Promise.resolve({ failure: `${source} is not an address of the pod` });
    const token = randomBytes(length - 1);
    const asked = Buffer.concat([Buffer.of(question ?? 0), token]);
    return new Promise((resolve) => {
      const started = performance.now();
      let refusal: string | undefined;
      const send = () =>
        socket.send(asked, port, target, (error) => {
          if (error !== null) refusal = (error as NodeJS.ErrnoException).code;
        });
      const end = (outcome: Outcome) => {
        patience[Symbol.dispose]();
        clearInterval(again);
        this.#waiting.delete(token.toString("hex"));
        resolve(outcome);
      };
      const patience = afterPatience(timeout, () => end({ failure: refusal ?? noAnswer(timeout) }));
      const again = setInterval(send, Math.max(50, timeout / 8));
      this.#waiting.set(token.toString("hex"), () => end({ ms: performance.now() - started }));
      send();
    });
  }

  /** Closes every socket: nothing listens afterwards. */
  [Symbol.dispose](): void {
    this.#server.close();
    for (const connection of this.#connections) connection.destroy();
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
  }

  /** A socket that is not made before this returns would be made in another namespace. */
  #inNetns<T extends { address(): unknown }>(make: () => T): T {
    return this.#netns.run(make);
  }

  #serve({ port, addresses, isPeer, about }: EndpointSettings): Server {
    const own = new Set(addresses.map(({ address }) => address));
    const server = createServer((socket) => {
      this.#connections.add(socket);
      socket.on("close", () => this.#connections.delete(socket));
      socket.on("error", () => socket.destroy());
      socket.setTimeout(idle, () => socket.destroy());
      const known = isPeer(plain(socket.remoteAddress)) && own.has(plain(socket.localAddress));
      if (!known && about === undefined) socket.destroy();
      else echo(socket, about);
    });
    server.on("error", () => {});
    this.#inNetns(() => {
      const listening = server.listen(port);
      if (!listening.listening) throw new Error(`nothing can listen on TCP port ${port}; name another`);
      return listening;
    });
    return server;
  }

  #answerUdp(own: OwnAddress, { port, isPeer }: EndpointSettings): UdpSocket | undefined {
    const socket = this.#netns.run(() => boundUdp(own, port));
    return socket?.on("message", (bytes, { address: from, port: fromPort }) => {
      if (bytes.length !== length) return;
      const token = bytes.subarray(1);
      if (bytes[0] === answer) this.#waiting.get(token.toString("hex"))?.();
      else if (bytes[0] === question && isPeer(from))
        socket.send(Buffer.concat([Buffer.of(answer ?? 0), token]), fromPort, from, () => {});
    });
  }
}

/** Gives back what it is asked, once; or says what it is. */
function echo(socket: Socket, about: unknown): void {
  let got = Buffer.alloc(0);
  socket.on("data", (bytes) => {
    got = Buffer.concat([got, bytes]);
    if (got[0] === introduce && about !== undefined) socket.end(JSON.stringify(about));
    else if (got.length >= length) socket.end(got.subarray(0, length));
  });
}

/** With a lookup that answers at once, the socket is made, bound and connecting when this returns. */
function connectNow(source: string, target: string, port: number): Socket {
  const socket = connect({
    host: "pod",
    port,
    localAddress: source,
    autoSelectFamily: false,
    lookup: (_host, _options, callback) => callback(null, target, isIPv6(target) ? 6 : 4),
  });
  if (socket.destroyed || "port" in socket.address()) return socket;
  socket.destroy();
  throw new Error("a socket would have been made outside of the pod's network namespace");
}

/** "::ffff:192.168.0.1" → "192.168.0.1" */
const plain = (address = ""): string => address.replace(/^::ffff:(?=.*\.)/, "");

const noAnswer = (timeout: number): string => `no answer in ${timeout / 1000} s`;
