import { type ClientHttp2Stream, connect as connectHttp2 } from "node:http2";
import { connect as connectSocket } from "node:net";

/**
 * gRPC's unary calls over a Unix socket, as gRPC over HTTP/2 has them: a message with its length before it, and a status
 * in the trailers (github.com/grpc/grpc, doc/PROTOCOL-HTTP2.md). docs/adr/0014-kubelet-is-asked-over-http2.md says why not a library.
 */

/** gRPC's statuses that somebody asks for (google.golang.org/grpc/codes). */
export const GrpcStatus = { ok: 0, unknown: 2, unimplemented: 12 } as const;

/** Why there is no answer: `status` where the server gave one other than ok. The message goes on from a name: "has not …" */
export class GrpcError extends Error {
  override readonly name = "GrpcError";
  readonly status: number | undefined;

  constructor(message: string, status?: number, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.status = status;
  }
}

export interface GrpcLimits {
  /** For all calls together, connecting included */
  readonly ms: number;
  /** Of one answer */
  readonly bytes: number;
}

export interface GrpcConnection extends Disposable {
  /** `path`: "/v1.PodResourcesLister/List". @throws GrpcError */
  call(path: string, message: Uint8Array): Promise<Uint8Array>;
}

/** A connection for a few calls, one after another. It throws nothing: calls do. */
export function connectGrpc(socket: string, { ms, bytes }: GrpcLimits): GrpcConnection {
  const { promise: failure, reject } = Promise.withResolvers<never>();
  // Between calls nobody waits for it.
  failure.catch(() => {});
  const session = connectHttp2("http://localhost", {
    createConnection: () => connectSocket(socket),
    settings: { enablePush: false },
  });
  session.on("error", (error) => reject(broken(error)));
  session.on("close", () => reject(new GrpcError("has closed the connection")));
  const timer = setTimeout(() => reject(new GrpcError(`has not answered within ${ms} ms`)), ms);
  return {
    call: (path, message) => {
      const headers = {
        ":method": "POST",
        ":path": path,
        "content-type": "application/grpc",
        te: "trailers",
      };
      const answer = Promise.try(() => exchange(session.request(headers), message, bytes));
      // The connection's own fault says more than what becomes of its streams.
      return Promise.race([failure, answer.catch((error) => Promise.race([failure, later(error)]))]);
    },
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      session.destroy();
    },
  };
}

const later = (error: unknown): Promise<never> =>
  new Promise((_, reject) => setImmediate(() => reject(error instanceof GrpcError ? error : broken(error))));

function broken(error: unknown): GrpcError {
  const { code, message } = error as NodeJS.ErrnoException;
  return new GrpcError(`cannot be talked to (${code ?? message})`, undefined, error);
}

const lengthOfPrefix = 5;

/** Of the answer, and the trailers behind it */
type Headers = Readonly<Record<string, unknown>>;

function exchange(stream: ClientHttp2Stream, message: Uint8Array, mostBytes: number): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const chunks: Uint8Array[] = [];
  let size = 0;
  let last: Headers = {};
  stream.on("response", (headers) => {
    last = headers;
  });
  stream.on("trailers", (trailers) => {
    last = { ...last, ...trailers };
  });
  stream.on("data", (chunk: Uint8Array) => {
    size += chunk.length;
    chunks.push(chunk);
    if (size <= lengthOfPrefix + mostBytes) return;
    reject(new GrpcError(`answers with more than ${mostBytes} bytes`));
    stream.destroy();
  });
  stream.on("error", reject);
  stream.on("close", () => {
    try {
      requireOk(last);
      resolve(messageIn(Buffer.concat(chunks)));
    } catch (error) {
      reject(error);
    }
  });
  const prefix = Buffer.alloc(lengthOfPrefix);
  prefix.writeUInt32BE(message.length, 1);
  stream.end(Buffer.concat([prefix, message]));
  return promise;
}

/** @throws GrpcError for any status but ok. A server of something else than gRPC gives none. */
function requireOk(headers: Headers): void {
  const { ":status": http, "grpc-status": status, "grpc-message": message } = headers;
  if (http === undefined) throw new GrpcError("has ended the call without an answer");
  if (http !== 200) throw new GrpcError(`answers with HTTP status ${http}`);
  if (typeof status !== "string" || !/^\d{1,3}$/.test(status))
    throw new GrpcError("has ended the call without a status");
  if (Number(status) === GrpcStatus.ok) return;
  throw new GrpcError(`answers with gRPC status ${status}${shown(message)}`, Number(status));
}

/** The server's words, on one line and not too many; they are percent-encoded. */
function shown(message: unknown): string {
  if (typeof message !== "string" || message === "") return "";
  return ` (${decoded(message)
    .replace(/[^ -~]+/g, " ")
    .slice(0, 200)})`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The one message of a unary answer: a byte for its compression, four for its length, and itself. */
function messageIn(body: Buffer): Uint8Array {
  if (body.length < lengthOfPrefix || body.length - lengthOfPrefix !== body.readUInt32BE(1))
    throw new GrpcError("answers with a message that is cut short, or with several");
  if (body[0] !== 0) throw new GrpcError("answers with a compressed message, which was not asked for");
  return body.subarray(lengthOfPrefix);
}
