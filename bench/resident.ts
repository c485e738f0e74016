import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Bed, oursFolder } from "./bed.ts";

/** A multi-nicd in a bed's host; to be ended before the bed. */
export interface Resident {
  readonly stateDir: string;
  /** ms of CPU time since its start */
  cpu(): number;
  /** KiB by the keys of smaps_rollup of proc(5), and VmHWM */
  memory(): Readonly<Record<string, number>>;
  /** How many calls it served */
  served(): number;
  /** Throws where it did not serve all that it was sent: the thin client falls back silently. */
  checkServed(calls: number): void;
  end(): Promise<void>;
}

/** CLK_TCK of proc(5) */
const ticks = 100;
/** ms for its start */
const patience = 10_000;

export async function startResident(bed: Bed, name: string): Promise<Resident> {
  const stateDir = join(bed.state, name);
  const file = join(oursFolder(), "multi-nicd");
  mkdirSync(stateDir, { recursive: true });
  const child = bed.host.run(() =>
    spawn(file, ["--state-dir", stateDir], { stdio: ["ignore", "ignore", "ignore"] }),
  );
  for (const end = Date.now() + patience; !existsSync(join(stateDir, "metrics.sock")); await sleep(20)) {
    if (child.exitCode !== null || Date.now() > end)
      throw new Error(`${file} does not serve; to see why, run: ${file} --state-dir ${stateDir}`);
  }
  return resident(child, file, stateDir);
}

function resident(child: ChildProcess, file: string, stateDir: string): Resident {
  const proc = (name: string) => readFileSync(`/proc/${child.pid}/${name}`, "utf8");
  const kibibytes = (text: string) =>
    Object.fromEntries(
      [...text.matchAll(/^(\w+):\s+(\d+) kB$/gm)].map(([, key, value]) => [key ?? "", Number(value)]),
    );
  const status = (): Readonly<Record<"served" | "declined" | "failed", number>> =>
    JSON.parse(execFileSync(file, ["status", "--json", "--state-dir", stateDir], { encoding: "utf8" }));
  return {
    stateDir,
    cpu() {
      // The name in parentheses may hold blanks; utime and stime are fields 14 and 15.
      const fields = proc("stat")
        .replace(/^.*\) /s, "")
        .split(" ");
      return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticks;
    },
    memory: () => ({ ...kibibytes(proc("smaps_rollup")), VmHWM: kibibytes(proc("status")).VmHWM ?? 0 }),
    served: () => status().served,
    checkServed(calls) {
      const { served, declined, failed } = status();
      if (served === calls && declined === 0 && failed === 0) return;
      throw new Error(
        `multi-nicd served ${served} of ${calls} calls, declined ${declined}, failed ${failed}: the standalone executable served others, and the figures are of both`,
      );
    },
    async end() {
      if (child.exitCode !== null) return;
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await ended;
    },
  };
}
