import { writeSync } from "node:fs";
import { isOwnNetns } from "../linux/namespace-id.ts";
import { statePaths } from "../linux/paths.ts";
import { answerTo } from "./about.ts";
import { errorObject } from "./error-object.ts";
import { execute, type Outcome, type Surroundings } from "./execute.ts";
import { fileLog, noLog, traceOf } from "./log.ts";
import type { Plugin } from "./plugin.ts";
import { readAll, readBriefly } from "./stdin.ts";
import { newestVersion } from "./version.ts";

/**
 * Serves the one call this process was started for: the only place that reads process.env, writes stdout and sets
 * the exit code. Whatever happens, exactly one answer is given, an error that nobody caught included.
 */
export async function runPlugin(plugin: Plugin, argument = process.argv[2]): Promise<void> {
  process.on("uncaughtException", (error) => finish(crashed(error)));
  process.on("unhandledRejection", (reason) => finish(crashed(reason)));
  // The loop has run dry while something is still awaited: a defect, and not to be taken for a success.
  process.on("beforeExit", () => finish(crashed(new Error("the plugin ended without an answer"))));
  const answer = answerTo(argument, plugin);
  finish(answer === undefined ? await execute(plugin, ofProcess(process.env)) : printed(answer));
}

function ofProcess(env: NodeJS.ProcessEnv): Surroundings {
  return {
    env,
    readStdin: (wait) => (wait === "briefly" ? readBriefly(0) : readAll(0)),
    ownNetns: isOwnNetns,
    openLog: (context) => {
      const { log } = statePaths(env);
      return log === undefined ? noLog : fileLog(log, { ...context, pid: process.pid, ...traceOf(env) });
    },
  };
}

function crashed(error: unknown): Outcome {
  return { ...printed(`${JSON.stringify(errorObject(error, newestVersion))}\n`), exitCode: 1 };
}

function printed(stdout: string): Outcome {
  return { stdout, stderr: "", exitCode: 0 };
}

function finish({ stdout, stderr, exitCode }: Outcome): never {
  writeAll(2, stderr);
  writeAll(1, stdout);
  process.exit(exitCode);
}

/** Writes it all, though the descriptor may be a pipe that takes a part, or none for now; a reader that left is no error. */
function writeAll(fd: 1 | 2, text: string): void {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "EAGAIN" && code !== "EINTR") return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
    }
  }
}
