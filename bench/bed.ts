import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Netns, openNetns } from "../lib/linux/netns.ts";

/** Where Debian puts the Go plugins. */
const goFolder = "/usr/lib/cni";

/** A host of veth masters and a pod, as network namespaces; gone when disposed of. */
export interface Bed extends Disposable {
  /** Path of the pod's namespace */
  readonly pod: string;
  readonly host: Netns;
  readonly masters: readonly string[];
  /** The folder of our executables, and that of the Go plugins */
  readonly ours: string;
  readonly go: string;
  /** On tmpfs, as the state of a node is */
  readonly state: string;
}

/** @throws Error naming what is missing and how to get it */
export function makeBed(nics: number): Bed {
  const ours = join(import.meta.dirname, "../dist", `linux-${process.arch}`);
  require(join(ours, "multi-nic"), "./build.sh");
  require(join(goFolder, "macvlan"), "scripts/install-packages.sh bench");
  const host = `mnc-bench-host-${process.pid}`;
  const pod = `mnc-bench-pod-${process.pid}`;
  const masters = Array.from({ length: nics }, (_, i) => `eth${i + 1}`);
  const state = mkdtempSync("/dev/shm/mnc-bench-");
  const dispose = (held: Netns) => {
    held[Symbol.dispose]();
    for (const name of [pod, host]) execFileSync("ip", ["netns", "del", name], { stdio: "ignore" });
    rmSync(state, { recursive: true, force: true });
  };
  const ip = (words: string) => execFileSync("ip", words.split(" "));
  ip(`netns add ${host}`);
  ip(`netns add ${pod}`);
  masters.forEach((master, i) => {
    ip(`-n ${host} link add ${master} type veth peer name peer${i}`);
    ip(`-n ${host} link set peer${i} up`);
    ip(`-n ${host} link set ${master} up`);
    ip(`-n ${host} addr add 10.${i}.0.1/16 dev ${master}`);
  });
  const held = openNetns(`/run/netns/${host}`);
  return {
    pod: `/run/netns/${pod}`,
    host: held,
    masters,
    ours,
    go: goFolder,
    state,
    [Symbol.dispose]: () => dispose(held),
  };
}

function require(file: string, remedy: string): void {
  if (!existsSync(file)) throw new Error(`${file} is missing; run: ${remedy}`);
}
