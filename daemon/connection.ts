import type { Socket } from "node:net";
import type { Outcome } from "../lib/cni/execute.ts";
import type { Caller } from "../lib/cni/invocation.ts";
import { answerBytes, type Call, magic, mostRequest, readRequest } from "./protocol.ts";
import type { Turns } from "./turns.ts";

/** What a connection asks of the daemon. */
export interface Service {
  /** Why this daemon must not serve a call; undefined where it may. */
  objection(call: Call): string | undefined;
  serve(call: Call, caller: Caller): Promise<Outcome>;
  /** Runs a job when its turn comes. */
  inTurn: Turns["take"];
  /** Of a connection whose call was not taken */
  declined(reason: string): void;
  /** Of a call that was taken, and whose client had gone before its turn, or before its answer */
  unanswered(call: Call): void;
}

/** ms that a client has for sending its request; it gives up long before */
const patience = 2_000;

/** Serves the one call of a connection. Nothing is thrown: what cannot be served ends with the connection. */
export function serveConnection(socket: Socket, service: Service): void {
  const chunks: Buffer[] = [];
  let size = 0;
  const decline = (reason: string) => {
    // Said first: who sees the connection end may look for the reason at once.
    service.declined(reason);
    socket.removeAllListeners("data").destroy();
  };
  // From its start: what comes byte by byte keeps a connection busy.
  const timer = setTimeout(() => decline("its request did not come"), patience);
  socket.on("close", () => clearTimeout(timer));
  // Its "close" follows, and there is nobody left to tell.
  socket.on("error", () => {});
  socket.on("end", () => decline("it left"));
  socket.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    size += chunk.length;
    const reading = size > mostRequest ? tooMuch : readRequest(Buffer.concat(chunks, size));
    if (reading.state === "partial") return;
    if (reading.state === "refused") return decline(reading.reason);
    const objection = service.objection(reading.call);
    if (objection !== undefined) return decline(objection);
    clearTimeout(timer);
    socket.removeAllListeners("data").removeAllListeners("end").resume();
    take(socket, reading.call, service);
  });
}

const tooMuch = { state: "refused", reason: "too large" } as const;

/**
 * Says that the call is taken, and serves it only where that could be said: a client that has not read it, and has shut
 * its socket down, serves the call itself. One that has gone by the call's turn has been given up by its runtime, which
 * may have cleaned up after it meanwhile.
 */
function take(socket: Socket, call: Call, service: Service): void {
  let left = false;
  const hasLeft = () => left || socket.destroyed;
  socket.once("end", () => {
    left = true;
  });
  socket.write(magic, (error) => {
    if (error) return service.declined("it left");
    service.inTurn(async ({ aside }) => {
      if (hasLeft()) return service.unanswered(call);
      const outcome = await service.serve(call, { hasLeft, aside });
      if (hasLeft()) return service.unanswered(call);
      socket.end(answerBytes(outcome));
    });
  });
}
