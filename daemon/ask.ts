import { request } from "node:http";
import { join } from "node:path";

/** ms for an answer */
const patience = 2_000;

/** What the daemon of a state folder answers to GET of a path, parsed. Throws what keeps it from answering. */
export async function ask<T>(stateDir: string, path: string): Promise<T> {
  return JSON.parse(await get(join(stateDir, "metrics.sock"), path)) as T;
}

function get(socketPath: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, timeout: patience }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => resolve(Buffer.concat(chunks).toString("utf8")));
    });
    asked.on("timeout", () => asked.destroy(new Error(`no answer within ${patience / 1000} s`)));
    asked.on("error", reject).end();
  });
}

/** What to say where no daemon answers. */
export const unanswered = (stateDir: string, error: unknown): string =>
  `no multi-nicd answers in ${stateDir} (${(error as Error).message}); start it: systemctl start multi-nicd; ` +
  "meanwhile each call runs the standalone executable";
