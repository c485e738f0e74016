import type { Socket } from "node:net";
import type { Outcome } from "../lib/cni/execute.ts";
import { answerBytes, type Call, magic, mostRequest, readRequest } from "./protocol.ts";

/** What a connection asks of the daemon. */
export interface Service {
  /** Why this daemon must not serve a call; undefined where it may. */
  objection(call: Call): string | undefined;
  serve(call: Call): Promise<Outcome>;
  /** Runs a job when its turn comes. */
  inTurn(job: () => Promise<void>): void;
  /** Of a connection whose call was not taken */
  declined(reason: string): void;
  /** Of a call that was served for a client that had gone meanwhile */
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
  socket.setTimeout(patience, () => decline("its request did not come"));
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
    socket.setTimeout(0).removeAllListeners("data").removeAllListeners("end").resume();
    take(socket, reading.call, service);
  });
}

const tooMuch = { state: "refused", reason: "too large" } as const;

/**
 * Says that the call is taken, and serves it only where that could be said: a client that has not read it, and has shut
 * its socket down, serves the call itself.
 */
function take(socket: Socket, call: Call, service: Service): void {
  socket.write(magic, (error) => {
    if (error) return service.declined("it left");
    service.inTurn(async () => {
      const outcome = await service.serve(call);
      if (socket.destroyed) return service.unanswered(call);
      socket.end(answerBytes(outcome));
    });
  });
}
