import { rmSync } from "node:fs";
import { createServer } from "node:http";
import type { ListenOptions } from "node:net";
import type { Keeper } from "./cluster/keep.ts";
import type { Figures } from "./figures.ts";
import { listening } from "./listener.ts";

/** Answers /metrics, /healthz, /status and /routes, until the process ends. Throws what listen(2) says. */
export async function serveMetrics(address: ListenOptions, source: Source): Promise<void> {
  const server = createServer(async ({ url, method }, response) => {
    const answer = method === "GET" ? answers[url ?? ""] : undefined;
    try {
      if (answer === undefined) response.writeHead(404).end("GET /metrics, /healthz, /status or /routes\n");
      else
        await answer(source).then(({ type, text }) =>
          response.writeHead(200, { "content-type": type }).end(text),
        );
    } catch (error) {
      response.writeHead(500).end(`${error instanceof Error ? error.message : error}\n`);
    }
  });
  server.maxConnections = 32;
  server.unref();
  // Left by a daemon that was killed: of one state folder there is one daemon only.
  if (address.path !== undefined) rmSync(address.path, { force: true });
  await listening(server, () => server.listen(address));
}

/** What is answered from. */
export interface Source {
  readonly figures: Figures;
  readonly cluster: Keeper | undefined;
}

interface Answer {
  readonly type: string;
  readonly text: string;
}

const json = (value: unknown): Answer => ({ type: "application/json", text: `${JSON.stringify(value)}\n` });

const answers: Readonly<Record<string, (source: Source) => Promise<Answer>>> = {
  "/metrics": async ({ figures: { registry } }) => ({
    type: registry.contentType,
    text: await registry.metrics(),
  }),
  "/healthz": async () => ({ type: "text/plain", text: "ok\n" }),
  "/status": async ({ figures }) => json(figures.summary()),
  "/routes": async ({ cluster }) => json((await cluster?.status()) ?? null),
};
