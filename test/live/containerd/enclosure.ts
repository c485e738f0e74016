import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import type { Namespace } from "../namespaces.ts";

/**
 * Mounts and processes of a test's own on a node: what is started in it ends with it, and what it mounts, or writes
 * to /run and /var/lib/cni, is seen by nobody else. It ends with this process too, however that ends.
 */
export interface Enclosure extends AsyncDisposable {
  /** Runs a command to its end. Gives stdout. */
  run(command: string, ...args: readonly string[]): string;
  /** Starts a command; all it prints goes to the file. */
  start(output: string, env: Readonly<Record<string, string>>, command: readonly string[]): void;
  /** The network namespace of a process, whose id is of the enclosure. It is kept until it is let go of. */
  netnsOf(pid: number): Namespace;
}

/**
 * The first process: it says its id as the machine knows it, while /proc is still the machine's, and lives until
 * its stdin ends. /var/lib/cni is libcni's cache and host-local's store.
 */
const init = `
set -e
read -r pid rest </proc/self/stat
mount -t proc proc /proc
mount -t tmpfs tmpfs /run
mkdir -p /var/lib/cni
mount -t tmpfs tmpfs /var/lib/cni
echo "$pid"
exec cat
`;

/** An enclosure whose network namespace is `netns`, a path. */
export async function makeEnclosure(netns: string): Promise<Enclosure> {
  const unshare = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", init];
  const holder = spawn("nsenter", [`--net=${netns}`, ...unshare], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(holder, "exit");
  const said = await Promise.race([once(holder.stdout, "data"), ended]);
  const first = Number(String(said[0]));
  if (holder.exitCode !== null || !(first > 0))
    throw new Error(`no mounts and processes of our own: ${said}`);
  const enter = ["--target", String(first), "--mount", "--pid", "--net"];
  return {
    run: (command, ...args) => run("nsenter", [...enter, command, ...args]),
    start: (output, env, command) => {
      const file = openSync(output, "a");
      try {
        spawn("nsenter", [...enter, ...command], {
          env: { ...process.env, ...env },
          stdio: ["ignore", file, file],
        });
      } finally {
        closeSync(file);
      }
    },
    netnsOf: (pid) => keepNetns(join("/proc", `${first}`, "root", "proc", `${pid}`, "ns/net")),
    [Symbol.asyncDispose]: async () => {
      holder.stdin.end(); // the first process ends, and the kernel kills all others (pid_namespaces(7))
      await ended;
    },
  };
}

/** Held by a descriptor of this process, so that it can still be looked at when all in it have ended. */
function keepNetns(path: string): Namespace {
  const fd = openSync(path, "r");
  const held = `/proc/${process.pid}/fd/${fd}`;
  const exec = (command: string, ...args: readonly string[]) =>
    run("nsenter", [`--net=${held}`, command, ...args]);
  const ip = (words: string) => exec("ip", ...words.split(/\s+/).filter((word) => word !== ""));
  return {
    name: held,
    path: held,
    ip,
    ipJson: (words) => JSON.parse(ip(`-j ${words}`) || "[]"),
    exec,
    [Symbol.dispose]: () => closeSync(fd),
  };
}

function run(command: string, args: readonly string[]): string {
  return execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}
