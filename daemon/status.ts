import { ask, unanswered } from "./ask.ts";
import type { Summary } from "./figures.ts";

export interface StatusOptions {
  readonly stateDir: string;
  readonly json: boolean;
}

/** Prints what the daemon of a state folder says of itself; the exit code is 1 where none answers. */
export async function status(
  { stateDir, json }: StatusOptions,
  print: (text: string) => void,
): Promise<0 | 1> {
  try {
    const summary = await ask<Summary>(stateDir, "/status");
    print(json ? `${JSON.stringify({ serving: true, ...summary })}\n` : text(summary));
    return 0;
  } catch (error) {
    const { message } = error as Error;
    print(
      json
        ? `${JSON.stringify({ serving: false, stateDir, error: message })}\n`
        : `${unanswered(stateDir, error)}\n`,
    );
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
