import { UsageError } from "../lib/cli/arguments.ts";
import { type Command, help, parseCommand } from "./command-line.ts";
import { say } from "./log.ts";

/** What a call of multi-nicd needs of its process. */
export interface Call {
  readonly args: readonly string[];
  readonly version: string;
}

/** Serves one call of multi-nicd, to its end; leaves the exit code to the process. */
export async function daemon({ args, version }: Call): Promise<void> {
  // A reader that has seen enough, as in `multi-nicd plan FILE | head`, is no error.
  process.stdout.on("error", () => {});
  try {
    process.exitCode = await run(parseCommand(args, process.env), version);
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

async function run(command: Command, version: string): Promise<number> {
  const print = (text: string) => void process.stdout.write(text);
  switch (command.verb) {
    case "help":
      print(help);
      return 0;
    case "version":
      print(`multi-nicd ${version}\n`);
      return 0;
    case "status":
      return (await import("./status.ts")).status(command, print);
    case "routes":
      return (await import("./routes/show.ts")).showRoutes(command, print);
    case "plan":
      return (await import("./cluster/review.ts")).review(command, print);
    case "cleanup":
      return (await import("./cluster/cleanup.ts")).cleanup(command, print);
    case "read-cluster":
      (await import("./cluster/read-stdin.ts")).readStdin();
      return 0;
    case "nics": {
      const { stdout, stderr, exitCode } = await (await import("./nics.ts")).nics(command.args, process.env);
      process.stderr.write(stderr);
      print(stdout);
      return exitCode;
    }
    case "serve":
      return (await import("./serve.ts")).serve(command, version);
  }
}
