import { type ParseArgsConfig, parseArgs } from "node:util";
import { sharedError } from "../linux/shared-error.ts";

/** What is wrong with the arguments, or with what they name; its message is for the user. Exit code 64 (sysexits.h, EX_USAGE). */
export class UsageError extends sharedError("UsageError") {}

/** parseArgs of node:util. Throws UsageError for what that refuses. */
export function parseArguments<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
