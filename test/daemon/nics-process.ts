import { nics } from "../../daemon/nics.ts";

/** `multi-nicd nics` as a process of its own, so that it can be run in a network namespace. */
const { stdout, stderr, exitCode } = await nics(process.argv.slice(2), process.env);
process.stdout.write(stdout);
process.stderr.write(stderr);
process.exitCode = exitCode;
