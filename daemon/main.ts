import { help, parseCommand, UsageError } from "./command-line.ts";
import { say } from "./log.ts";

/** What a call of multi-nicd needs of its process. */
export interface Call {
  readonly args: readonly string[];
  readonly version: string;
}

/** Serves one call of multi-nicd, to its end; leaves the exit code to the process. */
export async function daemon({ args, version }: Call): Promise<void> {
  try {
    const command = parseCommand(args, process.env);
    if (command.verb === "help") process.stdout.write(help);
    else if (command.verb === "version") process.stdout.write(`multi-nicd ${version}\n`);
    else if (command.verb === "status")
      process.exitCode = await import("./status.ts").then(({ status }) => status(command));
    else await import("./serve.ts").then(({ serve }) => serve(command, version));
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(`multi-nicd: ${error.message}\nTry multi-nicd --help.\n`);
      process.exitCode = 64;
      return;
    }
    say("error", "multi-nicd ends", { error: error instanceof Error ? error.message : String(error) });
    process.exitCode = 1;
  }
}
