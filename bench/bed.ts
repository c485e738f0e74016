import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Netns, openNetns } from "../lib/linux/netns.ts";
import { type Launcher, startLauncher } from "./launcher.ts";

/** A host of veth masters and its pods, as network namespaces; gone when disposed of. */
export interface Bed extends Disposable {
  /** Paths of the pods' namespaces */
  readonly pods: readonly string[];
  readonly host: Netns;
  readonly masters: readonly string[];
  /** Starts calls in the host's namespace */
  readonly launcher: Launcher;
  /** On tmpfs, as the state of a node is */
  readonly state: string;
}

/** The folder of our executables. Throws Error with the remedy where it is missing. */
export function oursFolder(): string {
  const folder =
    process.env.MULTI_NIC_CNI_BIN ?? join(import.meta.dirname, "../dist", `linux-${process.arch}`);
  if (existsSync(join(folder, "multi-nicd"))) return folder;
  throw new Error(`${folder}/multi-nicd is missing; run: ./build.sh`);
}

let beds = 0;

/** With `links` the host has that many links in all, the masters, their peers and loopback among them. */
export function makeBed({ masters = 1, pods = 1, links = 0 } = {}): Bed {
  const id = `${process.pid}-${beds++}`;
  const host = `mnc-bench-host-${id}`;
  const podNames = Array.from({ length: pods }, (_, i) => `mnc-bench-pod-${id}-${i}`);
  const names = Array.from({ length: masters }, (_, i) => `eth${i + 1}`);
  const state = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "mnc-bench-"));
  batch([host, ...podNames].map((name) => `netns add ${name}`));
  batch(
    names.flatMap((master, i) => [
      `link add ${master} type veth peer name peer${i}`,
      `link set peer${i} up`,
      `link set ${master} up`,
      `addr add 10.${i}.0.1/16 dev ${master}`,
    ]),
    host,
  );
  const others = Math.max(0, Math.ceil((links - 2 * masters - 1) / 2));
  batch(
    Array.from({ length: others }, (_, i) => `link add other${i} type veth peer name others${i}`),
    host,
  );
  const held = openNetns(`/run/netns/${host}`);
  const launcher = startLauncher(held);
  return {
    pods: podNames.map((name) => `/run/netns/${name}`),
    host: held,
    masters: names,
    launcher,
    state,
    [Symbol.dispose]() {
      launcher.end();
      held[Symbol.dispose]();
      batch([...podNames, host].map((name) => `netns del ${name}`));
      rmSync(state, { recursive: true, force: true });
    },
  };
}

/** ip(8), once for all the lines. */
function batch(lines: readonly string[], netns?: string): void {
  const inside = netns === undefined ? [] : ["-n", netns];
  if (lines.length > 0) execFileSync("ip", [...inside, "-batch", "-"], { input: lines.join("\n") });
}
