import { execFile, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { JsonObject } from "../../lib/cni/json.ts";
import { type Need, need } from "./kernel.ts";
import type { Node } from "./node.ts";
import { bin } from "./plugin.ts";

const has = (command: string): boolean => spawnSync(command, ["--version"]).error === undefined;

/** What a container with podman takes; conmon comes with it. */
export const podmanNeeds: readonly Need[] = [
  need("podman", has("podman"), "there is no podman; apt-get install podman"),
  need("runc", has("runc"), "there is no runc; apt-get install runc"),
  need("busybox", existsSync("/bin/busybox"), "there is no /bin/busybox; apt-get install busybox-static"),
];

/** A podman with storage, networks and an image ("localhost/box") of its own, on the node. */
export interface Podman extends Disposable {
  /** Runs podman in the node's namespace. Gives stdout; throws with stderr. */
  run(...args: readonly string[]): string;
  /** The same without waiting for the end. */
  start(...args: readonly string[]): Promise<string>;
}

/** `networks`: plugin configurations by the network's name. */
export function makePodman(node: Node, networks: Readonly<Record<string, JsonObject>>): Podman {
  const folder = mkdtempSync(join(tmpdir(), "podman-"));
  const networkDir = join(folder, "net.d");
  mkdirSync(networkDir);
  for (const [name, plugin] of Object.entries(networks)) {
    const list = { cniVersion: "0.4.0", name, plugins: [plugin] };
    writeFileSync(join(networkDir, `${name}.conflist`), JSON.stringify(list));
  }
  const conf = join(folder, "containers.conf");
  writeFileSync(conf, containersConf(node, folder, networkDir));
  const env = { ...process.env, ...node.env, CONTAINERS_CONF: conf };
  const storage = [
    "--root",
    join(folder, "root"),
    "--runroot",
    join(folder, "run"),
    "--storage-driver",
    "vfs",
  ];
  // Not `ip netns exec`: its mount namespace would hide the pods' namespaces from the next call.
  const enter = [`--net=${node.host.path}`, "podman", ...storage];
  const run = (...args: readonly string[]) => {
    const { status, stdout, stderr } = spawnSync("nsenter", [...enter, ...args], { encoding: "utf8", env });
    if (status === 0) return stdout;
    throw new Error(`podman ${args.join(" ")}: exit code ${status}: ${stderr}`);
  };
  const start = async (...args: readonly string[]) => {
    const { stdout } = await promisify(execFile)("nsenter", [...enter, ...args], { encoding: "utf8", env });
    return stdout;
  };
  run("import", imageOf(folder), "localhost/box");
  return {
    run,
    start,
    [Symbol.dispose]: () => {
      run("rm", "--all", "--force", "--time", "0");
      rmSync(folder, { recursive: true });
    },
  };
}

/** As a machine without systemd needs it. What DEL is told comes by way of conmon. */
function containersConf({ env }: Node, folder: string, networkDir: string): string {
  const list = (texts: readonly string[]) => JSON.stringify(texts);
  return `[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
log_driver = "k8s-file"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
tmp_dir = "${join(folder, "tmp")}"
conmon_env_vars = ${list(Object.entries(env).map(([name, value]) => `${name}=${value}`))}
[network]
network_backend = "cni"
cni_plugin_dirs = ${list([bin])}
network_config_dir = "${networkDir}"
`;
}

/** An image with nothing but busybox, as a tar file. */
function imageOf(folder: string): string {
  const root = join(folder, "image");
  for (const each of ["bin", "proc", "sys", "dev", "etc"]) mkdirSync(join(root, each), { recursive: true });
  cpSync("/bin/busybox", join(root, "bin/busybox"));
  for (const applet of ["ip", "sleep"]) symlinkSync("busybox", join(root, "bin", applet));
  const file = join(folder, "image.tar");
  const { status, stderr } = spawnSync("tar", ["-C", root, "-cf", file, "."], { encoding: "utf8" });
  if (status !== 0) throw new Error(`tar: ${stderr}`);
  return file;
}
