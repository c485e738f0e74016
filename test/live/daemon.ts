import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { bin } from "./plugin.ts";

/** A multi-nicd of a test's own; it is killed when disposed of. */
export interface Daemon extends Disposable {
  readonly process: ChildProcess;
  /** Where it serves */
  readonly socket: string;
  /** Its stderr: JSON lines */
  readonly log: string;
  /** What it says of itself, as `multi-nicd status --json` prints it */
  status(): Record<string, unknown>;
}

/** Starts it in a namespace, and waits until it serves. Throws with its log where it does not. */
export function startDaemon(
  hostName: string,
  stateDir: string,
  args: readonly string[] = [],
  folder = bin,
  before: readonly string[] = [],
): Daemon {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const socket = join(stateDir, "cni.sock");
  const log = `${stateDir}.daemon.log`;
  const fd = openSync(log, "a");
  const command = [...before, join(folder, "multi-nicd"), "--state-dir", stateDir, ...args];
  const words = ["netns", "exec", hostName, ...command];
  const child = spawn("ip", words, { stdio: ["ignore", "ignore", fd] });
  closeSync(fd);
  const waited = spawnSync("sh", [
    "-c",
    `i=0; until grep -q '"serving".*"pid":${child.pid},' "$0"; do i=$((i+1)); [ $i -lt 500 ] || exit 1; sleep 0.02; done`,
    log,
  ]);
  if (waited.status !== 0) {
    child.kill("SIGKILL");
    throw new Error(`multi-nicd does not serve: ${spawnSync("cat", [log], { encoding: "utf8" }).stdout}`);
  }
  return {
    process: child,
    socket,
    log,
    status: () => {
      const ran = spawnSync(join(folder, "multi-nicd"), ["status", "--json", "--state-dir", stateDir], {
        encoding: "utf8",
      });
      return JSON.parse(ran.stdout);
    },
    [Symbol.dispose]: () => {
      child.kill("SIGKILL");
    },
  };
}
