import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { vi } from "vitest";
import type { ClusterStatus } from "../../daemon/cluster/cluster-status.ts";
import type { NodeFileJson } from "../../lib/cluster/host-plan.ts";
import type { JsonObject } from "../../lib/cni/json.ts";
import { type Daemon, startDaemon } from "./daemon.ts";
import { type Cabling, type Host, type Hosts, makeHosts, networkOver } from "./hosts.ts";
import { bin } from "./plugin.ts";

/** NICs of each host */
export const nics = 2;

/** Three hosts of a cluster that a file describes, each with a multi-nicd that keeps it so. */
export interface ClusterBed {
  readonly hosts: Hosts;
  readonly file: string;
  /** In the order of the hosts, then those that a test starts */
  readonly daemons: Daemon[];
  readonly stack: DisposableStack;
  hostAt(index: number): Host;
  /** Starts a multi-nicd on a host, which `stack` ends. */
  startOn(host: Host): Daemon;
  /** The routes of a host by multi-nicd, as `ip` shows them */
  routesOn(index: number): string[];
  nodeFileOf(index: number): NodeFileJson | undefined;
  statusOf(index: number): ClusterStatus;
  /** The network's configuration, the same on every host */
  conf(plugin: object): JsonObject;
}

/** The text of the file, of these hosts; an index may stand in for a host's own. */
export function clusterText(
  plugin: object,
  cabling: Cabling,
  hosts: readonly Pick<Host, "index" | "addresses">[],
  indexes: readonly number[] = [],
): string {
  const nets =
    cabling === "flat" ? ["10.0.0.0/16"] : Array.from({ length: nics }, (_, nic) => `10.${nic + 1}.0.0/24`);
  const network = {
    name: "rails",
    subnet: "192.168.0.0/16",
    ipam: { type: "multi-nic-ipam", interfaceBlock: 3, hostBlock: 5 },
    masterNets: nets,
    plugin,
  };
  return JSON.stringify({
    networks: [network],
    hosts: hosts.map(({ index, addresses }, i) => ({
      name: `host-${index}`,
      index: indexes[i] ?? index,
      addresses,
    })),
  });
}

/** A bed whose file has the first `known` hosts, on which multi-nicd serves. */
export function makeClusterBed(cabling: Cabling, plugin: object, known: number): ClusterBed {
  const stack = new DisposableStack();
  const hosts = stack.use(makeHosts(cabling, 3, nics));
  const folder = mkdtempSync(join(tmpdir(), "mnc-cluster-"));
  stack.defer(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "cluster.yaml");
  writeFileSync(file, clusterText(plugin, cabling, hosts.hosts.slice(0, known)));
  const daemons: Daemon[] = [];
  stack.defer(() => {
    for (const daemon of daemons) daemon[Symbol.dispose]();
  });
  const hostAt = (index: number) => {
    const host = hosts.hosts[index];
    if (host === undefined) throw new Error(`no host ${index}`);
    return host;
  };
  const startOn = (host: Host) => {
    const args = ["--cluster", file, "--node", `host-${host.index}`];
    const daemon = startDaemon(host.host.name, host.stateDir, args);
    daemons.push(daemon);
    return daemon;
  };
  for (const host of hosts.hosts.slice(0, known)) startOn(host);
  return {
    ...{ hosts, file, daemons, stack, hostAt, startOn },
    routesOn: (index) =>
      hostAt(index)
        .host.ip("route show table all proto 78")
        .trim()
        .split("\n")
        .filter(Boolean)
        .map((line) => line.replace(/ table \d+.*/, "")),
    nodeFileOf(index) {
      const path = join(hostAt(index).stateDir, "networks/rails.json");
      return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined;
    },
    statusOf(index) {
      const { host, stateDir } = hostAt(index);
      // The exit code says whether all is well, and the text what is not.
      const ask = '"$0" routes --json --state-dir "$1" || :';
      return JSON.parse(host.exec("sh", "-c", ask, join(bin, "multi-nicd"), stateDir));
    },
    conf(plugin) {
      const { masters: _, ...network } = networkOver(hosts, plugin as JsonObject);
      return network;
    },
  };
}

/** The file is looked at once a second, and a kernel's message waits for others. */
export const soon = (check: () => void) => vi.waitFor(check, { timeout: 15_000, interval: 100 });
