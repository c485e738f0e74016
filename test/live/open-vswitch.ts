import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeNamespace, type Namespace } from "./namespaces.ts";

const schema = "/usr/share/openvswitch/vswitch.ovsschema";

/** Why Open vSwitch cannot be run here; undefined where it can. */
export function whyNoOpenVswitch(): string | undefined {
  if (!existsSync(schema) || spawnSync("ovs-vswitchd", ["--version"]).status !== 0)
    return "no Open vSwitch (openvswitch-switch)";
  return existsSync("/dev/net/tun") ? undefined : "no /dev/net/tun, which the userspace datapath needs";
}

/** An Open vSwitch of a test's own: its database and its switch, in a folder and a namespace that end with it. */
export interface OpenVswitch extends Disposable {
  readonly namespace: Namespace;
  /** The database's socket */
  readonly socket: string;
  /** What makes programs find it */
  readonly env: Readonly<Record<string, string>>;
  /** A line for sh in the namespace, with ovs-vsctl talking to this one. */
  sh(line: string): string;
}

/** Runs Debian's ovsdb-server and ovs-vswitchd by hand, with the datapath in user space; the system's own service is not touched. */
export function startOpenVswitch(): OpenVswitch {
  const folder = mkdtempSync(join(tmpdir(), "ovs-"));
  const namespace = makeNamespace("ovs");
  const socket = join(folder, "db.sock");
  const env = { ...process.env, OVS_RUNDIR: folder, OVS_LOGDIR: folder, OVS_DBDIR: folder } as Record<
    string,
    string
  >;
  const run = (program: string, ...args: string[]) =>
    execFileSync("ip", ["netns", "exec", namespace.name, program, ...args], {
      env,
      encoding: "utf8",
      stdio: "pipe",
      timeout: 20_000,
    });
  const daemon = ["--detach", "--no-chdir", "--log-file", "-vconsole:off"];
  const stop = () => {
    for (const name of ["ovs-vswitchd", "ovsdb-server"]) end(join(folder, `${name}.pid`));
    namespace[Symbol.dispose]();
    rmSync(folder, { recursive: true });
  };
  try {
    run("ovsdb-tool", "create", join(folder, "conf.db"), schema);
    run(
      "ovsdb-server",
      `--remote=punix:${socket}`,
      `--pidfile=${folder}/ovsdb-server.pid`,
      ...daemon,
      join(folder, "conf.db"),
    );
    run("ovs-vsctl", "--no-wait", "init");
    run(
      "ovs-vswitchd",
      `--pidfile=${folder}/ovs-vswitchd.pid`,
      "--disable-system",
      ...daemon,
      `unix:${socket}`,
    );
  } catch (error) {
    stop();
    throw error;
  }
  return { namespace, socket, env, sh: (line) => run("sh", "-ec", line), [Symbol.dispose]: stop };
}

/** Ends a daemon by its own pid file, and waits until it has gone. */
function end(pidFile: string): void {
  if (!existsSync(pidFile)) return;
  const pid = Number(readFileSync(pidFile, "utf8"));
  process.kill(pid, "SIGTERM");
  const deadline = Date.now() + 10_000;
  while (Date.now() < deadline && existsSync(`/proc/${pid}`)) spawnSync("sleep", ["0.05"]);
}
