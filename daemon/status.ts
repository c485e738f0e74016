import { request } from "node:http";
import { join } from "node:path";
import type { Summary } from "./figures.ts";

/** ms for an answer */
const patience = 2_000;

export interface StatusOptions {
  readonly stateDir: string;
  readonly json: boolean;
}

/** Prints what the daemon of a state folder says of itself; the exit code is 1 where none answers. */
export async function status({ stateDir, json }: StatusOptions): Promise<0 | 1> {
  const socketPath = join(stateDir, "metrics.sock");
  try {
    const summary: Summary = JSON.parse(await get(socketPath, "/status"));
    process.stdout.write(json ? `${JSON.stringify({ serving: true, ...summary })}\n` : text(summary));
    return 0;
  } catch (error) {
    const { message } = error as Error;
    const remedy = "start it: systemctl start multi-nicd; meanwhile each call runs the standalone executable";
    if (json) process.stdout.write(`${JSON.stringify({ serving: false, stateDir, error: message })}\n`);
    else process.stdout.write(`no multi-nicd answers on ${socketPath} (${message}); ${remedy}\n`);
    return 1;
  }
}

function text(summary: Summary): string {
  const { version, pid, stateDir, uptime, resident, served, failed, declined, atWork } = summary;
  return [
    `multi-nicd ${version} serves ${stateDir} (pid ${pid}, for ${uptime} s, ${Math.round(resident / 2 ** 20)} MiB resident)`,
    `${served} calls served, ${failed} of them answered with an error; ${declined} left to the standalone executable; ${atWork} at work\n`,
  ].join("\n");
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
