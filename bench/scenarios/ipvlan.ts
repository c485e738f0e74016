import { spawn } from "node:child_process";
import { join } from "node:path";
import type { Measured } from "../measure.ts";
import type { Options } from "../options.ts";

/** The NICs scenario with ipvlan in the test kernel, which has one processor and is slow: for ratios alone. */
export async function ipvlan({ rounds, counts, say }: Options): Promise<Measured[]> {
  say("ipvlan in the test kernel");
  const root = join(import.meta.dirname, "../..");
  const bench = [
    process.execPath,
    join(root, "bench/run.ts"),
    "--only",
    "nics",
    "--kind",
    "ipvlan",
    "--json",
  ];
  const words = [...bench, "--rounds", `${rounds}`, "--nics", counts.join(",")];
  const run = spawn(join(root, "scripts/test-kernel/run.sh"), ["-t", "1800", "--", ...words], {
    cwd: root,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const chunks: Buffer[] = [];
  for await (const chunk of run.stdout) chunks.push(chunk);
  if (run.exitCode === null) await new Promise((resolve) => run.once("close", resolve));
  if (run.exitCode !== 0) throw new Error(`the benchmark ended with ${run.exitCode} in the test kernel`);
  return JSON.parse(Buffer.concat(chunks).toString("utf8")).nics;
}
