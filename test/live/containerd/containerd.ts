import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Reported } from "../../../doctor/finding.ts";
import { isUml, linkKind, type Need, need } from "../kernel.ts";
import type { Node } from "../node.ts";
import { bin, goPlugin } from "../plugin.ts";
import { hasCgroups, removeCgroup } from "./cgroups.ts";
import { writeConfig } from "./config.ts";
import { type Cri, connectCri } from "./cri.ts";
import { type Enclosure, makeEnclosure } from "./enclosure.ts";
import { writeImage } from "./image.ts";
import { type NetworkDir, networkDirOf } from "./network-dir.ts";
import { type Pod, runPod } from "./pod.ts";

const has = (command: string): boolean => spawnSync(command, ["--version"]).error === undefined;

/** What sandboxes of containerd take. `loopback` is a plugin that containerd calls for every pod. */
export const containerdNeeds: readonly Need[] = [
  need("kernel", !isUml, "containerd is run on the machine's own kernel"),
  need("containerd", has("containerd") && has("ctr"), "there is no containerd; apt-get install containerd"),
  need("containerd", has("runc"), "there is no runc; apt-get install runc"),
  need("containerd", existsSync("/bin/busybox"), "there is no /bin/busybox; apt-get install busybox-static"),
  need(
    "containerd",
    goPlugin("loopback") !== undefined,
    "there is no CNI plugin loopback; apt-get install containernetworking-plugins",
  ),
  need("cgroups", hasCgroups(), "runc can make no cgroups in /sys/fs/cgroup"),
  linkKind("macvlan"),
];

/** A containerd with configuration, storage, state, socket and cgroup of its own, on the node. */
export interface Containerd extends AsyncDisposable {
  /** The connection; another one after a restart. */
  readonly cri: Cri;
  readonly networks: NetworkDir;
  /** Runs a pod's sandbox. */
  runPod(name: string, network?: "POD" | "NODE"): Promise<Pod>;
  /** Files on which network namespaces of pods are mounted. */
  netnsFiles(): readonly string[];
  /** SIGKILL to containerd alone, or to all: shims, sandboxes and plugins too. */
  kill(what: "containerd" | "everything"): void;
  /** Starts it again, with the storage and the state it had. */
  restart(): Promise<void>;
  /** libcni's records of attachments that the doctor calls broken. */
  brokenRecords(): readonly Reported[];
  /** Runs a command where containerd runs. Gives stdout. */
  run(command: string, ...args: readonly string[]): string;
}

/** Starts containerd on the node, with an image for sandboxes. */
export async function makeContainerd(node: Node): Promise<Containerd> {
  await using undo = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), "multi-nic-cni-containerd-"));
  undo.defer(() => rmSync(folder, { recursive: true }));
  const cgroup = basename(folder);
  undo.defer(() => removeCgroup(cgroup));
  const enclosure = undo.use(await makeEnclosure(node.host.path));
  const { confDir, state, ...daemon } = writeConfig(folder);
  let cri = await start(enclosure, daemon, node);
  undo.defer(() => cri.close());
  importImage(enclosure, daemon.socket, folder);
  const kept = undo.move();
  return {
    get cri() {
      return cri;
    },
    networks: networkDirOf(confDir, () => cri),
    runPod: (name, network = "POD") => runPod(cri, enclosure, { name, network, cgroup }),
    netnsFiles: () => {
      const mounted = join(state, "io.containerd.grpc.v1.cri/netns");
      return existsSync(mounted) ? readdirSync(mounted) : [];
    },
    kill: (what) => {
      cri.close();
      // -1: all but the first process and the one that asks (kill(2)).
      const target = what === "everything" ? "-1" : readFileSync(daemon.pidFile, "utf8").trim();
      enclosure.run("sh", "-c", `kill -KILL ${target}`);
      rmSync(daemon.socket);
    },
    restart: async () => {
      cri = await start(enclosure, daemon, node);
    },
    brokenRecords: () => {
      const doctor = [join(bin, "multi-nic-doctor"), "node", "--json"];
      const { findings } = JSON.parse(enclosure.run("sh", "-c", '"$@" || [ $? -le 2 ]', "sh", ...doctor));
      return findings.filter(({ where }: Reported) => where.startsWith("/var/lib/cni/results/"));
    },
    run: enclosure.run,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Files of a daemon: its configuration, its socket, its process's id, and what it prints. */
interface Daemon {
  readonly file: string;
  readonly socket: string;
  readonly pidFile: string;
  readonly output: string;
}

async function start(enclosure: Enclosure, daemon: Daemon, node: Node): Promise<Cri> {
  const { file, socket, pidFile, output } = daemon;
  const shell = ["sh", "-c", 'echo $$ >"$0"; exec "$@"', pidFile];
  enclosure.start(output, node.env, [...shell, "containerd", "--config", file]);
  return connectCri(socket).catch((error) => {
    throw new Error(`containerd: ${readFileSync(output, "utf8")}`, { cause: error });
  });
}

function importImage(enclosure: Enclosure, socket: string, folder: string): void {
  const ctr = ["--address", socket, "--namespace=k8s.io"];
  enclosure.run("ctr", ...ctr, "images", "import", "--snapshotter=native", writeImage(folder));
}
