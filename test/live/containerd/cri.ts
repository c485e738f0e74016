import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { Client, credentials, type ServiceDefinition } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

/** A condition of the runtime: RuntimeReady, NetworkReady. */
export interface Condition {
  readonly type: string;
  readonly status: boolean;
  readonly reason: string;
  readonly message: string;
}

/** Of a sandbox, or of the runtime: texts of JSON, by subject, as containerd likes them. */
type Info = Readonly<Record<string, string>>;

export interface SandboxStatus {
  readonly status: {
    readonly state: "SANDBOX_READY" | "SANDBOX_NOTREADY";
    readonly network: { readonly ip: string; readonly additionalIps: readonly { readonly ip: string }[] };
  };
  readonly info: Info;
}

export interface SandboxConfig {
  readonly metadata: { readonly name: string; readonly uid: string; readonly namespace: string };
  readonly hostname?: string;
  readonly linux: {
    readonly cgroupParent: string;
    readonly securityContext: { readonly namespaceOptions: { readonly network: "POD" | "NODE" } };
  };
}

/** A connection to a runtime's CRI socket, as kubelet has one. A refusal rejects with the runtime's own text. */
export interface Cri {
  status(): Promise<{
    readonly status: { readonly conditions: readonly Condition[] };
    readonly info: Info;
  }>;
  /** Gives the sandbox's id. */
  run(config: SandboxConfig): Promise<string>;
  stop(id: string): Promise<void>;
  remove(id: string): Promise<void>;
  sandbox(id: string): Promise<SandboxStatus>;
  /** Ids of all sandboxes. */
  list(): Promise<readonly string[]>;
  close(): void;
}

/** kubelet's own limit is 2 min (--runtime-request-timeout); a plugin that hangs is to be seen before. */
const callMs = 30_000;

/** gRPC would wait a second between attempts. */
const quickly = { "grpc.initial_reconnect_backoff_ms": 20, "grpc.max_reconnect_backoff_ms": 100 };

/** Connects, waiting `readyMs` at most for the runtime to answer. */
export async function connectCri(socket: string, readyMs = 10_000): Promise<Cri> {
  const client = new Client(`unix:${socket}`, credentials.createInsecure(), quickly);
  const cri = criOf(client);
  const until = Date.now() + readyMs;
  await new Promise<void>((resolve, reject) => {
    client.waitForReady(until, (error) => (error ? reject(error) : resolve()));
  });
  // The socket is served before the sandboxes of before are known.
  const isEarly = (error: Error) => /not initialized yet/.test(error.message) && Date.now() < until;
  for (;;) {
    const early = await cri.list().then(() => false, isEarly);
    if (!early) return cri;
    await setTimeout(20);
  }
}

function criOf(client: Client): Cri {
  const call = callsOn(client);
  return {
    status: () => call("Status", { verbose: true }),
    run: async (config) => {
      const { podSandboxId } = await call<{ podSandboxId: string }>("RunPodSandbox", { config });
      return podSandboxId;
    },
    stop: (podSandboxId) => call("StopPodSandbox", { podSandboxId }),
    remove: (podSandboxId) => call("RemovePodSandbox", { podSandboxId }),
    sandbox: (podSandboxId) => call("PodSandboxStatus", { podSandboxId, verbose: true }),
    list: async () => {
      const { items } = await call<{ items: readonly { id: string }[] }>("ListPodSandbox", {});
      return items.map(({ id }) => id);
    },
    close: () => client.close(),
  };
}

/** Calls of cri.proto on a connection, by name. */
function callsOn(client: Client): <Reply>(name: string, request: object) => Promise<Reply> {
  const definition = loadSync(join(import.meta.dirname, "cri.proto"), { enums: String, defaults: true });
  const service = definition["runtime.v1.RuntimeService"] as unknown as ServiceDefinition;
  return <Reply>(name: string, request: object) => {
    const method = service[name];
    if (method === undefined) throw new Error(`cri.proto has no call ${name}`);
    const { path, requestSerialize: encode, responseDeserialize: decode } = method;
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    const options = { deadline: Date.now() + callMs };
    client.makeUnaryRequest(path, encode, decode, request, options, (error, reply) =>
      error ? reject(new Error(`${name}: ${error.details}`)) : resolve(reply as Reply),
    );
    return promise;
  };
}
