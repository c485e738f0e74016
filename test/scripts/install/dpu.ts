import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { execa } from "execa";
import { expect, vi } from "vitest";
import { removeCgroup } from "../../live/containerd/cgroups.ts";
import { isUml, type Need, need } from "../../live/kernel.ts";
import { makeNamespace, type Namespace } from "../../live/namespaces.ts";

const apt = "scripts/install-packages.sh test";
export const dpuNeeds: readonly Need[] = [
  need("kernel", !isUml, "systemd and sshd are run on the machine's own kernel"),
  need("sshd", existsSync("/usr/sbin/sshd"), `there is no sshd; ${apt}`),
  need("sshd", existsSync("/usr/bin/sudo"), `there is no sudo; ${apt}`),
  need("sshd", existsSync("/lib/systemd/systemd"), "there is no systemd"),
];

/** What came of a command. */
export interface Outcome {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly pid: number | undefined;
  readonly stdout: NodeJS.ReadableStream;
  readonly outcome: Promise<Outcome>;
}

/** A booted node: Debian's systemd and sshd in namespaces, with /etc, /var and /run of its own. */
export interface Dpu {
  /** What ssh calls it. */
  readonly address: string;
  /** Where a path of it is on this machine, while it is up. */
  path(path: string): string;
  /** A shell's command in it, by root. */
  shell(command: string): Promise<Outcome>;
  /** Power off and on: /run is new. */
  reboot(): Promise<void>;
}

/** DPUs on one loopback network of their own, and a host there to reach them from. */
export interface Fleet extends AsyncDisposable {
  readonly dpus: readonly Dpu[];
  readonly folder: string;
  /** For ssh's -F: the key that the DPUs let in, and their host keys. */
  readonly sshConfig: string;
  /** A command on the provisioning host. */
  run(command: string, args: readonly string[]): Promise<Outcome>;
  /** The same, as a process group of its own, which may be sent a signal. */
  start(command: string, args: readonly string[]): Started;
}

const boot = join(import.meta.dirname, "dpu-boot.sh");

/** Boots so many DPUs, 127.0.0.11 and up. */
export async function makeFleet(count: number): Promise<Fleet> {
  await using undo = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), "multi-nic-cni-fleet-"));
  undo.defer(() => rmSync(folder, { recursive: true }));
  const network = undo.use(makeNamespace("fleet"));
  const addresses = Array.from({ length: count }, (_, i) => `127.0.0.${11 + i}`);
  const sshConfig = writeKeys(folder, addresses);
  const booting = addresses.map((address) => bootDpu(join(folder, address), address, network));
  const dpus: Dpu[] = [];
  for (const booted of await Promise.allSettled(booting)) {
    if (booted.status === "rejected") throw booted.reason;
    dpus.push(undo.use(booted.value));
  }
  const kept = undo.move();
  return {
    dpus,
    folder,
    sshConfig,
    run: (command, args) => outcome("ip", ["netns", "exec", network.name, command, ...args]),
    start: (command, args) => start("ip", ["netns", "exec", network.name, command, ...args]),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

function writeKeys(folder: string, addresses: readonly string[]): string {
  const keygen = (name: string) =>
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(folder, name)]);
  keygen("host_key");
  keygen("id");
  execFileSync("cp", [join(folder, "id.pub"), join(folder, "authorized_keys")]);
  const hostKey = execFileSync("cat", [join(folder, "host_key.pub")], { encoding: "utf8" });
  writeFileSync(join(folder, "known_hosts"), addresses.map((address) => `${address} ${hostKey}`).join(""));
  const config = join(folder, "ssh_config");
  writeFileSync(
    config,
    `IdentityFile ${folder}/id\nIdentitiesOnly yes\nUserKnownHostsFile ${folder}/known_hosts\nGlobalKnownHostsFile /dev/null\n`,
  );
  return config;
}

async function bootDpu(folder: string, address: string, network: Namespace): Promise<Dpu & AsyncDisposable> {
  mkdirSync(folder);
  let machine = await powerOn(folder, address, network);
  const shell = (command: string) =>
    outcome("nsenter", [...["-t", `${machine.pid}`, "-m", "-p", "-n"], "sh", "-c", command]);
  const isUp = () =>
    vi.waitFor(
      async () => {
        const { stdout } = await shell(
          `systemctl is-active multi-user.target && ss -Hltn src ${address}:22 && echo up`,
        );
        expect(stdout).toContain("LISTEN");
      },
      { timeout: 20_000, interval: 100 },
    );
  const off = async () => {
    process.kill(machine.pid, "SIGKILL"); // the kernel kills all others of the process namespace
    await machine.ended;
    await removeCgroup(machine.cgroup);
  };
  await isUp();
  return {
    address,
    path: (path) => `/proc/${machine.pid}/root${path}`,
    shell,
    reboot: async () => {
      await off();
      machine = await powerOn(folder, address, network);
      await isUp();
    },
    [Symbol.asyncDispose]: off,
  };
}

async function powerOn(folder: string, address: string, network: Namespace) {
  const cgroup = `${basename(folder)}-${process.pid}`;
  const hierarchy = ["/sys/fs/cgroup/systemd", "/sys/fs/cgroup"].find((path) => existsSync(path));
  const path = join(hierarchy ?? "", cgroup);
  mkdirSync(path);
  const unshare = [
    "unshare",
    "--mount",
    "--pid",
    "--uts",
    "--ipc",
    "--cgroup",
    "--fork",
    "--kill-child",
    "sh",
  ];
  const enter = `echo $$ >"${path}/cgroup.procs"; exec nsenter --net=${network.path} ${unshare.join(" ")} "$@"`;
  const holder = spawn("sh", ["-c", enter, "sh", boot, folder, address], {
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const ended = once(holder, "exit");
  let said = "";
  holder.stderr.on("data", (text) => {
    said += text;
  });
  const first = await Promise.race([once(holder.stdout, "data"), ended]);
  const pid = Number(String(first[0]).split("\n")[0]);
  if (holder.exitCode !== null || !(pid > 0)) throw new Error(`the DPU did not boot: ${said}`);
  return { pid, ended, cgroup };
}

async function outcome(command: string, args: readonly string[]): Promise<Outcome> {
  const { exitCode, stdout, stderr } = await execa(command, args, { reject: false });
  return { exitCode, stdout, stderr };
}

function start(command: string, args: readonly string[]): Started {
  const process = execa(command, args, { reject: false, detached: true });
  const outcome = process.then(({ exitCode, stdout, stderr }) => ({ exitCode, stdout, stderr }));
  return { pid: process.pid, stdout: process.stdout, outcome };
}
