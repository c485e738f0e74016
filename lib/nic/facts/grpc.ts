import { Client, credentials, type ServiceError, status as statuses } from "@grpc/grpc-js";

/** gRPC's statuses, by name. */
export const GrpcStatus = statuses;

/** Why there is no answer: `status` is one of GrpcStatus. The message goes on from a name: "does not answer (UNAVAILABLE: …)" */
export class GrpcError extends Error {
  override readonly name = "GrpcError";
  readonly status: number;

  constructor(status: number, details: string, cause?: unknown) {
    const said = Number.isNaN(status)
      ? "a status that is none"
      : `${GrpcStatus[status] ?? status}: ${shown(details)}`;
    super(`does not answer (${said})`, { cause });
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
  /** A unary call. `path`: "/v1.PodResourcesLister/List". @throws GrpcError */
  call(path: string, message: Uint8Array): Promise<Uint8Array>;
}

/** A connection to a Unix socket for a few calls. It throws nothing: calls do. */
export function connectGrpc(socket: string, { ms, bytes }: GrpcLimits): GrpcConnection {
  const deadline = Date.now() + ms;
  const client = new Client(`unix:${socket}`, credentials.createInsecure(), {
    "grpc.max_receive_message_length": bytes,
    "grpc.enable_retries": 0,
    "grpc.enable_http_proxy": 0,
    "grpc.service_config_disable_resolution": 1,
    // No other connection of the process is to be shared, or to go on after this one.
    "grpc.use_local_subchannel_pool": 1,
  });
  return {
    call: (path, message) =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest(path, Buffer.from, asItIs, message, { deadline }, (error, answer) => {
          if (error) reject(grpcError(error));
          else resolve(answer ?? new Uint8Array(0));
        });
      }),
    [Symbol.dispose]: () => client.close(),
  };
}

/** Not all that grpc-js calls a ServiceError has a status and details: a wrong answer is told with a message alone. */
const grpcError = (error: Partial<ServiceError>): GrpcError =>
  new GrpcError(error.code ?? GrpcStatus.INTERNAL, error.details ?? error.message ?? "", error);

const asItIs = (bytes: Uint8Array): Uint8Array => bytes;

/** The server's words may be anything: on one line here, and not too many. */
const shown = (details: string): string => details.replace(/[^ -~]+/g, " ").slice(0, 200);
