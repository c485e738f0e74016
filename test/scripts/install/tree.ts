import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { type Need, need } from "../../live/kernel.ts";
import { bin } from "../../live/plugin.ts";

export const scripts = join(import.meta.dirname, "../../../scripts");
export const executable = join(bin, "infra-dpu-cni");
export const installNeeds: readonly Need[] = [
  need("executables", existsSync(executable), `there is no ${executable}; ./build.sh`),
  need("root", process.getuid?.() === 0, "needs root: files of a node are made, and mounts"),
];

/** install.sh's report (--json), and what it printed besides. */
export interface Installed {
  readonly exitCode: number | null;
  readonly stderr: string;
  readonly report: Report;
}

interface Report {
  readonly result: string;
  readonly exitCode: number;
  readonly flavor: string;
  readonly cniBinDir: string;
  readonly attachments: readonly {
    readonly containerId: string;
    readonly pod: string;
    readonly types: string;
  }[];
  readonly steps: readonly { readonly status: string; readonly what: string }[];
}

/** The files of a node, in a folder of this machine. */
export interface Tree extends Disposable {
  readonly root: string;
  path(path: string): string;
  write(path: string, text: string): void;
  read(path: string): string;
  /** All files less those of install.sh's own state: path → mode and digest, or where a link leads. */
  files(): Readonly<Record<string, string>>;
  /** Runs install.sh --json on it, by `shell`. */
  install(options?: readonly string[], shell?: readonly string[], env?: NodeJS.ProcessEnv): Installed;
}

/** In memory, where to flush to disk is quick. */
const memory = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

export const ovnConf =
  '{"cniVersion":"0.4.0","name":"ovn-kubernetes","type":"ovn-k8s-cni-overlay","ipam":{},"dns":{}}\n';
export const state = "/var/lib/multi-nic-cni";
export const confPath = "/run/multus/cni/net.d/10-ovn-kubernetes.conf";
export const binPath = "/var/lib/cni/bin/infra-dpu-cni";

/** OpenShift's folders, with OVN-Kubernetes' configuration in. */
export function openshift(parent = memory): Tree {
  const tree = makeTree(parent);
  for (const folder of [
    "/etc/kubernetes/cni/net.d",
    "/run/multus/cni/net.d",
    "/var/lib/cni/bin",
    "/etc/systemd/system",
  ])
    mkdirSync(tree.path(folder), { recursive: true });
  tree.write(confPath, ovnConf);
  return tree;
}

export function makeTree(parent = memory): Tree {
  const root = mkdtempSync(join(parent, "multi-nic-cni-tree-"));
  const path = (each: string) => join(root, each);
  const files = () =>
    Object.fromEntries(walk(root).map((file) => [`/${relative(root, file)}`, describe(file)]));
  return {
    root,
    path,
    files,
    write: (name, text) => {
      mkdirSync(dirname(path(name)), { recursive: true });
      writeFileSync(path(name), text);
    },
    read: (name) => readFileSync(path(name), "utf8"),
    install: (options = [], shell = ["dash"], env = {}) => {
      // The last --from counts.
      const script = [join(scripts, "install.sh"), "--json", "--root", root, "--from", standInDist()];
      const [command = "", ...args] = [...shell, ...script, ...options];
      const run = spawnSync(command, args, { encoding: "utf8", env: { ...process.env, ...env } });
      if (run.error) throw run.error;
      return {
        exitCode: run.status,
        stderr: run.stderr,
        report: run.stdout === "" ? undefined : JSON.parse(run.stdout),
      };
    },
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}

function walk(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true });
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (path.endsWith(state)) return [];
    return entry.isDirectory() ? walk(path) : [path];
  });
}

function describe(file: string): string {
  const stat = lstatSync(file);
  if (stat.isSymbolicLink()) return "link";
  return `${(stat.mode & 0o7777).toString(8)} ${createHash("sha256").update(readFileSync(file)).digest("hex").slice(0, 12)}`;
}

let standIn: string | undefined;

/** A folder like dist/linux-x64 with a small executable that answers as infra-dpu-cni does; see stand-in.c. */
export function standInDist(): string {
  if (standIn !== undefined) return standIn;
  const folder = mkdtempSync(join(tmpdir(), "multi-nic-cni-stand-in-"));
  process.on("exit", () => rmSync(folder, { recursive: true }));
  const file = join(folder, "stand-in");
  execFileSync("cc", ["-O", "-o", file, join(import.meta.dirname, "stand-in.c")]);
  makeDist(folder, file);
  standIn = folder;
  return folder;
}

/** A folder like dist, of these, with their installer. */
export function standInRelease(folder: string): string {
  mkdirSync(folder, { recursive: true });
  execFileSync("cp", ["-r", standInDist(), join(folder, `linux-${process.arch}`)]);
  const installer = execFileSync(join(scripts, "bundle-install.sh"));
  writeFileSync(join(folder, `linux-${process.arch}/install.sh`), installer);
  return folder;
}

/** A folder like dist/linux-x64, of one file under three names, and its checksum. */
export function makeDist(folder: string, file: string, sum?: string): void {
  mkdirSync(folder, { recursive: true });
  const digest = sum ?? createHash("sha256").update(readFileSync(file)).digest("hex");
  const names = ["infra-dpu-cni", "multi-nic", "multi-nic-ipam"];
  execFileSync("cp", [file, join(folder, "infra-dpu-cni")]);
  chmodSync(join(folder, "infra-dpu-cni"), 0o755);
  for (const name of names.slice(1)) linkSync(join(folder, "infra-dpu-cni"), join(folder, name));
  writeFileSync(join(folder, "SHA256SUMS"), names.map((name) => `${digest}  ${name}\n`).join(""));
}
