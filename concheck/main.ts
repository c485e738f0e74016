import { constants } from "node:os";
import { UsageError } from "../lib/cli/arguments.ts";

/** What a call needs of its process. */
export interface Call {
  readonly args: readonly string[];
  readonly version: string;
}

const signals = ["SIGHUP", "SIGINT", "SIGTERM"] as const;

/** Serves one call of multi-nic-concheck: prints on stdout, and leaves the exit code to the process. */
export async function concheck({ args, version }: Call): Promise<void> {
  // A reader that has seen enough, as in `multi-nic-concheck | head`, is no error.
  process.stdout.on("error", () => {});
  const stop = new AbortController();
  for (const signal of signals) process.once(signal, () => stop.abort(signal));
  process.exitCode = await served({ args, version }, stop.signal);
}

async function served({ args, version }: Call, stop: AbortSignal): Promise<number> {
  try {
    const { serve } = await import("./serve.ts");
    const { stdout, exitCode, isEndedBySignal } = await serve(args, version, stop);
    if (!stop.aborted || isEndedBySignal) {
      process.stdout.write(stdout);
      return exitCode;
    }
    process.stderr.write("multi-nic-concheck: stopped; everything it opened is closed\n");
    return 128 + constants.signals[stop.reason as (typeof signals)[number]];
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(`multi-nic-concheck: ${error.message}\nmulti-nic-concheck --help says more\n`);
      return 64;
    }
    process.stderr.write(
      `multi-nic-concheck ${version}: ${error instanceof Error ? error.message : error}\n`,
    );
    return 70;
  }
}
