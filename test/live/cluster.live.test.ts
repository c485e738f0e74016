import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ClusterStatus } from "../../daemon/cluster/cluster-status.ts";
import { checked, whyUnconnected } from "../concheck/concheck.ts";
import { type Daemon, startDaemon } from "./daemon.ts";
import {
  attachPods,
  type Cabling,
  type Host,
  type Hosts,
  kinds,
  makeHosts,
  masterOf,
  networkOver,
} from "./hosts.ts";
import { describeWhere, linkKind } from "./kernel.ts";
import { makeNamespace } from "./namespaces.ts";
import { add, bin, succeed } from "./plugin.ts";

/** Hosts of a cluster that a file describes, each with a multi-nicd that keeps it so. */
interface Bed {
  readonly hosts: Hosts;
  readonly file: string;
  readonly daemons: Daemon[];
  readonly stack: DisposableStack;
}

let bed: Bed;
const nics = 2;

/** The text of the file, of these hosts; an index may stand in for a host's own. */
function clusterText(
  plugin: object,
  cabling: Cabling,
  hosts: readonly Host[],
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

const startOn = (host: Host, file: string, more: readonly string[] = []): Daemon =>
  startDaemon(host.host.name, host.stateDir, ["--cluster", file, "--node", `host-${host.index}`, ...more]);

function makeBed(cabling: Cabling, plugin: object, known: number): Bed {
  const stack = new DisposableStack();
  const hosts = stack.use(makeHosts(cabling, 3, nics));
  const folder = mkdtempSync(join(tmpdir(), "mnc-cluster-"));
  stack.defer(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "cluster.yaml");
  writeFileSync(file, clusterText(plugin, cabling, hosts.hosts.slice(0, known)));
  const daemons = hosts.hosts.slice(0, known).map((host) => startOn(host, file));
  stack.defer(() => {
    for (const daemon of daemons) daemon[Symbol.dispose]();
  });
  return { hosts, file, daemons, stack };
}

const hostAt = (index: number): Host => {
  const host = bed.hosts.hosts[index];
  if (host === undefined) throw new Error(`no host ${index}`);
  return host;
};

/** The routes of a host by multi-nicd, as `ip` shows them. */
const routesOn = (index: number): string[] =>
  hostAt(index)
    .host.ip("route show table all proto 78")
    .trim()
    .split("\n")
    .filter(Boolean)
    .map((line) => line.replace(/ table \d+.*/, ""));

const nodeFileOf = (index: number) => {
  const path = join(hostAt(index).stateDir, "networks/rails.json");
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined;
};

const statusOf = (index: number): ClusterStatus => {
  const { host, stateDir } = hostAt(index);
  // The exit code says whether all is well, and the text what is not.
  return JSON.parse(
    host.exec("sh", "-c", `"$0" routes --json --state-dir "$1" || :`, join(bin, "multi-nicd"), stateDir),
  );
};

/** The file is looked at once a second, and a kernel's message waits for others. */
const soon = (check: () => void) => vi.waitFor(check, { timeout: 15_000, interval: 100 });

const connectivity = () =>
  checked([
    "--no-bandwidth",
    "--timeout=1",
    ...bed.hosts.hosts.flatMap(({ stateDir }) => ["--state-dir", stateDir]),
  ]);

const conf = (plugin: object) => {
  const { masters: _, ...network } = networkOver(bed.hosts, plugin as never);
  return network;
};

const others = (index: number, hosts: readonly number[]) =>
  (hosts.length - (hosts.includes(index) ? 1 : 0)) * nics;

for (const { kind, plugin } of kinds)
  describeWhere(
    [linkKind(kind), linkKind("veth"), linkKind("bridge")],
    `a cluster by its file, ${kind}`,
    () => {
      const routed = kind === "ipvlan";
      const wantRoutes = (index: number, hosts: readonly number[]) =>
        soon(() => expect(routesOn(index)).toHaveLength(routed ? others(index, hosts) : 0));
      afterEach(() => bed.stack.dispose());

      describe.each(["rails", "flat"] as const)("cabled as %s", (cabling) => {
        beforeEach(() => {
          bed = makeBed(cabling, plugin, 2);
        });

        test("pods reach each other on every NIC; a host that is added is reached, one that is removed is forgotten", async () => {
          const more = {
            masters: bed.hosts.hosts[0]?.masters as string[],
            sourceRouting: cabling === "flat" && !routed,
          };
          expect(nodeFileOf(0)).toMatchObject({
            hostIndex: 0,
            masters: [
              { name: "eth1", interfaceIndex: 0 },
              { name: "eth2", interfaceIndex: 1 },
            ],
          });
          writeFileSync(bed.file, clusterText(plugin, cabling, bed.hosts.hosts));
          bed.daemons.push(startOn(hostAt(2), bed.file));
          for (const index of [0, 1, 2]) await wantRoutes(index, [0, 1, 2]);
          await attachPods(bed.hosts, { ...conf(plugin), ...more }, bed.stack);
          const report = connectivity();
          expect(whyUnconnected(report)).toEqual([]);
          expect(report).toMatchObject({ connected: 3 * 2 * nics, total: 3 * 2 * nics, exitCode: 0 });
          writeFileSync(bed.file, clusterText(plugin, cabling, bed.hosts.hosts.slice(0, 2)));
          for (const index of [0, 1]) await wantRoutes(index, [0, 1]);
          await soon(() =>
            expect(statusOf(2).problems).toEqual([expect.stringContaining('"host-2" is not among them')]),
          );
        });
      });

      describe("on rails", () => {
        beforeEach(() => {
          bed = makeBed("rails", plugin, 3);
        });

        test("a host with pods is not renumbered, unless it is said to be; one without is", async () => {
          const pods = await attachPods(bed.hosts, conf(plugin), bed.stack);
          writeFileSync(bed.file, clusterText(plugin, "rails", bed.hosts.hosts, [0, 1, 7]));
          await soon(() =>
            expect(statusOf(2).problems).toEqual([
              expect.stringMatching(
                /network rails: 1 attachments.*192\.168\.2\.0\/24 becomes 192\.168\.7\.0\/24.*--renumber/,
              ),
            ]),
          );
          expect(nodeFileOf(2)).toMatchObject({ hostIndex: 2 });
          const [, , last] = pods;
          await succeed(hostAt(2), "DEL", conf(plugin), {
            netns: last?.pod.path ?? "",
            containerId: last?.containerId ?? "",
          });
          await soon(() => expect(nodeFileOf(2)).toMatchObject({ hostIndex: 7 }));
          await soon(() => expect(statusOf(2).problems).toEqual([]));
        });

        test("a host that keeps its pods and their blocks by the file before is reached by the others", async () => {
          const pods = await attachPods(bed.hosts, conf(plugin), bed.stack);
          const before = routesOn(0);
          writeFileSync(bed.file, clusterText(plugin, "rails", bed.hosts.hosts, [0, 1, 7]));
          await soon(() => expect(statusOf(2).problems).toHaveLength(1));
          await soon(() => expect(routesOn(0)).toHaveLength(routed ? 6 : 0));
          const { host } = hostAt(0);
          expect(routesOn(0)).toEqual(expect.arrayContaining(before));
          expect(
            statusOf(0)
              .routes.filter(({ former }) => former)
              .map(({ dst, state }) => [dst, state]),
          ).toEqual(
            routed
              ? [
                  ["192.168.2.0/24", "ok"],
                  ["192.168.34.0/24", "ok"],
                ]
              : [],
          );
          const [first, , last] = pods;
          for (const address of last?.addresses ?? [])
            expect(first?.pod.exec("ping", "-c", "1", "-W", "5", address)).toContain("1 received");
          // The kernel takes them away with the link; another daemon knows of them by the kernel's routes.
          host.ip(`link set ${masterOf(0)} down`);
          host.ip(`link set ${masterOf(0)} up`);
          await soon(() => expect(routesOn(0)).toHaveLength(routed ? 6 : 0));
          const [daemon] = bed.daemons;
          daemon?.process.kill("SIGKILL");
          await once(daemon?.process as never, "exit");
          bed.daemons.push(startOn(hostAt(0), bed.file));
          await soon(() => expect(statusOf(0).routes).toHaveLength(routed ? 6 : 0));
          expect(routesOn(0)).toEqual(expect.arrayContaining(before));
          writeFileSync(bed.file, clusterText(plugin, "rails", bed.hosts.hosts.slice(0, 2)));
          await wantRoutes(0, [0, 1]);
        });

        test("indexes are not exchanged, nor a NIC's number, by any host, though it has no pods", async () => {
          const before = [0, 1, 2].map((index) => [routesOn(index), nodeFileOf(index)]);
          const { hosts } = bed.hosts;
          const turned = hosts.map((host) =>
            host.index === 1 ? { ...host, addresses: host.addresses.toReversed() } : host,
          );
          for (const [text, says] of [
            [clusterText(plugin, "rails", hosts, [0, 2, 1]), /would have index [12], which is that of host-/],
            ...(routed
              ? ([[clusterText(plugin, "rails", turned), /host-1: 10\.2\.0\.2 would be NIC 0/]] as const)
              : []),
          ] as const) {
            writeFileSync(bed.file, text);
            for (const index of [0, 1, 2])
              await soon(() => expect(statusOf(index).problems[0]).toMatch(says));
          }
          expect([0, 1, 2].map((index) => [routesOn(index), nodeFileOf(index)])).toEqual(before);
        });

        test("a host whose pods are on a NIC keeps the NIC's number", async () => {
          await attachPods(bed.hosts, conf(plugin), bed.stack);
          const before = [routesOn(1), nodeFileOf(1)];
          const { hosts } = bed.hosts;
          const other = hosts.map((host) =>
            host.index === 1 ? { ...host, addresses: ["10.1.0.99", "10.2.0.2"] } : host,
          );
          writeFileSync(bed.file, clusterText(plugin, "rails", other));
          await soon(() =>
            expect(statusOf(1).problems).toEqual([
              expect.stringMatching(
                /1 attachments of this host have .*NIC 0: 10\.1\.0\.2 becomes 10\.1\.0\.99/,
              ),
            ]),
          );
          expect([routesOn(1), nodeFileOf(1)]).toEqual(before);
        });

        test("a subnet that one of the host's own links is on is refused until it is no more", async () => {
          const { host } = hostAt(2);
          const before = [routesOn(2), nodeFileOf(2)];
          host.ip("link add mgmt type veth peer name mgmt-peer");
          host.ip("addr add 172.16.1.5/24 dev mgmt");
          writeFileSync(
            bed.file,
            clusterText(plugin, "rails", bed.hosts.hosts).replace("192.168.0.0/16", "172.16.0.0/16"),
          );
          await soon(() =>
            expect(statusOf(2).problems).toEqual([
              expect.stringMatching(
                /172\.16\.0\.0\/16 overlaps 172\.16\.1\.0\/24, which this host's link mgmt is on/,
              ),
            ]),
          );
          expect([routesOn(2), nodeFileOf(2)]).toEqual(before);
          await soon(() =>
            expect(nodeFileOf(0).blocks).toEqual({ 0: ["172.16.0.0/24"], 1: ["172.16.32.0/24"] }),
          );
          host.ip("addr del 172.16.1.5/24 dev mgmt");
          await soon(() =>
            expect(nodeFileOf(2).blocks).toEqual({ 0: ["172.16.2.0/24"], 1: ["172.16.34.0/24"] }),
          );
        });

        test("a file that is wrong leaves the one before it in force, and is said", async () => {
          const before = [routesOn(0), nodeFileOf(0)];
          writeFileSync(bed.file, clusterText(plugin, "rails", bed.hosts.hosts, [0, 1, 1]));
          await soon(() =>
            expect(statusOf(0).problems).toEqual([expect.stringContaining("index 1 is there twice")]),
          );
          expect([routesOn(0), nodeFileOf(0)]).toEqual(before);
          writeFileSync(bed.file, clusterText(plugin, "rails", bed.hosts.hosts));
          await soon(() => expect(statusOf(0).problems).toEqual([]));
        });

        test("a NIC that is down, back, or gone is followed, and the others are left as they are", async () => {
          const { host } = hostAt(0);
          host.ip(`link set ${masterOf(0)} down`);
          if (routed) {
            await soon(() =>
              expect(statusOf(0).routes.filter(({ state }) => state === "failed")).toHaveLength(2),
            );
            expect(statusOf(0).routes.find(({ state }) => state === "failed")?.error).toMatch(
              /unreachable|down/i,
            );
          }
          expect(routesOn(0)).toHaveLength(routed ? 2 : 0);
          host.ip(`link set ${masterOf(0)} up`);
          await wantRoutes(0, [0, 1, 2]);
          host.ip(`link del ${masterOf(1)}`);
          await soon(() =>
            expect(statusOf(0).failures).toEqual([
              expect.stringMatching(/network rails: no link has 10\.2\.0\.1/),
            ]),
          );
          expect(nodeFileOf(0)).toMatchObject({ masters: [{ name: "eth1", interfaceIndex: 0 }] });
          await soon(() => expect(routesOn(0)).toHaveLength(routed ? 2 : 0));
        });

        test("what others take away comes back, and what is theirs is left alone", async () => {
          const { host } = hostAt(0);
          host.ip("route add 192.168.200.0/24 dev eth1 table 100");
          host.ip("rule add from 192.168.200.0/24 lookup 100");
          if (routed) {
            host.ip("route flush table all proto 78");
            host.ip("rule del pref 30078");
          }
          await wantRoutes(0, [0, 1, 2]);
          await soon(() => expect(host.ip("rule show").match(/30078/g)?.length ?? 0).toBe(routed ? 1 : 0));
          expect(host.ip("route show table 100")).toContain("192.168.200.0/24");
          expect(host.ip("rule show")).toContain("from 192.168.200.0/24 lookup 100");
        });

        test("killed, it leaves pods their traffic; ADD goes on; cleanup takes away what it made, and only that", async () => {
          const pods = await attachPods(bed.hosts, conf(plugin), bed.stack);
          const [first, second] = pods;
          if (first === undefined || second === undefined) throw new Error("there are two pods");
          const target = second.addresses[0] ?? "";
          const ping = spawn("ip", [
            "netns",
            "exec",
            first.pod.name,
            "ping",
            "-i",
            "0.1",
            "-c",
            "30",
            "-W",
            "1",
            target,
          ]);
          let said = "";
          ping.stdout.on("data", (chunk) => {
            said += chunk;
          });
          for (const daemon of bed.daemons) daemon.process.kill("SIGKILL");
          const late = bed.stack.use(makeNamespace("late"));
          await add(hostAt(0), conf(plugin), { netns: late.path, containerId: "late" });
          const again = startOn(hostAt(0), bed.file);
          bed.daemons.push(again);
          await once(ping, "close");
          expect(said).toContain("30 packets transmitted, 30 received");
          const { host, stateDir } = hostAt(0);
          const cleanup = (...words: string[]) =>
            host.exec(join(bin, "multi-nicd"), "cleanup", "--state-dir", stateDir, ...words);
          expect(() => cleanup()).toThrow(/end it first/);
          again.process.kill("SIGTERM");
          await once(again.process, "exit");
          const dry = cleanup("--dry-run");
          expect(dry).toContain(`would remove ${stateDir}/networks/rails.json`);
          expect(routesOn(0)).toHaveLength(routed ? 4 : 0);
          cleanup();
          expect([routesOn(0), nodeFileOf(0), host.ip("rule show").includes("30078")]).toEqual([
            [],
            undefined,
            false,
          ]);
          expect(cleanup()).toContain("nothing of multi-nicd's is here");
        });
      });
    },
  );
