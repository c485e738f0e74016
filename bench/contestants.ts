import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Bed, oursFolder } from "./bed.ts";
import type { Call } from "./launcher.ts";
import { type Resident, startResident } from "./resident.ts";

export type Verb = "ADD" | "DEL";
export const verbs = ["ADD", "DEL"] as const;

/** What is measured: a name, and the calls that attach a pod to `nics` networks. */
export interface Contestant {
  readonly name: string;
  readonly bed: Bed;
  calls(verb: Verb, pod: number, nics: number): Call[];
  /** Where calls are handed to a process that stays */
  readonly resident?: Resident;
}

/** A link kind that ours and Go's plugins have alike. */
export type Kind = "macvlan" | "ipvlan";

export interface Setup {
  readonly kind: Kind;
  /** A pool for each NIC that has room: addresses of it are given to others beforehand */
  readonly isLarge?: boolean;
  /** The masters are told by their networks, not by name: all links of the host are looked at */
  readonly byNetwork?: boolean;
}

/** Debian's place for the Go plugins, and where bench/go-newer.sh puts the newer ones. */
const goFolders = {
  go: { folder: "/usr/lib/cni", remedy: "scripts/install-packages.sh bench" },
  "go-1.9": {
    folder: join(import.meta.dirname, "../build/bench/go/usr/lib/cni"),
    remedy: "bench/go-newer.sh",
  },
} as const;

export type GoName = keyof typeof goFolders;
export const newerGo: GoName = "go-1.9";

export const hasGo = (name: GoName, kind: Kind): boolean => existsSync(join(goFolders[name].folder, kind));

/** All of them on one bed; the daemon, which is to be ended, is among them. */
export async function allContestants(bed: Bed, setup: Setup, newer: boolean) {
  const daemon = await daemonContestant(bed, setup);
  const contestants = [
    goContestant(bed, "go", setup),
    ...(newer ? [goContestant(bed, newerGo, setup)] : []),
    standaloneContestant(bed, setup),
    daemon,
  ];
  return { contestants, daemon };
}

/** A call of Go's plugin with host-local for each network, one after another, as Multus makes them. */
export function goContestant(bed: Bed, name: GoName, { kind, isLarge = false }: Setup): Contestant {
  const { folder, remedy } = goFolders[name];
  if (!hasGo(name, kind)) throw new Error(`${folder}/${kind} is missing; run: ${remedy}`);
  const dataDir = join(bed.state, name);
  const confs = bed.masters.map((master, i) => {
    const subnet = isLarge ? `10.${i}.0.0/15` : `192.168.${i}.0/24`;
    const ipam = { type: "host-local", subnet, dataDir };
    return confFile(bed, `${name}-${i}`, {
      cniVersion: "1.0.0",
      name: `${name}-${i}`,
      type: kind,
      master,
      ipam,
    });
  });
  const calls = (verb: Verb, pod: number, nics: number) =>
    confs.slice(0, nics).map((stdin, i) => {
      const env = environment(bed, verb, pod, `net${i + 1}`);
      return { file: join(folder, kind), stdin, env: { ...env, CNI_PATH: folder } };
    });
  return { name, bed, calls };
}

/** The executables as users have them, without a daemon: the thin client becomes the standalone executable. */
export function standaloneContestant(bed: Bed, setup: Setup): Contestant {
  const stateDir = join(bed.state, "standalone");
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  return {
    name: "standalone",
    bed,
    calls: oursCalls(bed, "standalone", stateDir, setup),
  };
}

/** The thin client, and a daemon behind it. */
export async function daemonContestant(bed: Bed, setup: Setup, name = "daemon"): Promise<Contestant> {
  const resident = await startResident(bed, name);
  const calls = oursCalls(bed, name, resident.stateDir, setup);
  return { name, bed, calls, resident };
}

/** One call for all networks. */
function oursCalls(bed: Bed, name: string, stateDir: string, setup: Setup) {
  const { kind, isLarge = false, byNetwork = false } = setup;
  const folder = oursFolder();
  const ipam = isLarge
    ? { type: "multi-nic-ipam", subnet: "10.0.0.0/8", interfaceBlock: 4, hostBlock: 2, hostIndex: 0 }
    : { type: "multi-nic-ipam", subnet: "192.168.0.0/16", interfaceBlock: 3, hostBlock: 2, hostIndex: 0 };
  const confs = bed.masters.map((_, i) => {
    const masters = bed.masters.slice(0, i + 1);
    const chosen = byNetwork ? { masterNets: masters.map((_, nic) => `10.${nic}.0.0/16`) } : { masters };
    const conf = {
      cniVersion: "1.0.0",
      name: "bench",
      type: "multi-nic",
      plugin: { type: kind },
      ...chosen,
      ipam,
    };
    return confFile(bed, `${name}-${i}`, conf);
  });
  return (verb: Verb, pod: number, nics: number): Call[] => {
    const env = {
      ...environment(bed, verb, pod, "net1"),
      CNI_PATH: folder,
      MULTI_NIC_CNI_STATE_DIR: stateDir,
    };
    return [{ file: join(folder, "multi-nic"), stdin: confs[nics - 1] ?? "", env }];
  };
}

function confFile(bed: Bed, name: string, conf: unknown): string {
  const file = join(bed.state, `${name}.json`);
  writeFileSync(file, JSON.stringify(conf));
  return file;
}

function environment(bed: Bed, verb: Verb, pod: number, ifname: string): Record<string, string> {
  return {
    PATH: process.env.PATH ?? "",
    CNI_COMMAND: verb,
    CNI_CONTAINERID: `pod${pod}`,
    CNI_NETNS: bed.pods[pod] ?? "",
    CNI_IFNAME: ifname,
    MULTI_NIC_CNI_LOG_FILE: join(bed.state, "log"),
  };
}
