import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { checked, whyUnconnected } from "../concheck/concheck.ts";
import { type ClusterBed, clusterText, makeClusterBed, nics, soon } from "./cluster-bed.ts";
import { attachPods, kinds, masterOf } from "./hosts.ts";
import { describeWhere, linkKind } from "./kernel.ts";
import { makeNamespace } from "./namespaces.ts";
import { add, bin } from "./plugin.ts";

let bed: ClusterBed;

const connectivity = () =>
  checked([
    "--no-bandwidth",
    "--timeout=1",
    ...bed.hosts.hosts.flatMap(({ stateDir }) => ["--state-dir", stateDir]),
  ]);

const others = (index: number, hosts: readonly number[]) =>
  (hosts.length - (hosts.includes(index) ? 1 : 0)) * nics;

for (const { kind, plugin } of kinds)
  describeWhere(
    [linkKind(kind), linkKind("veth"), linkKind("bridge")],
    `a cluster by its file, ${kind}`,
    () => {
      const routed = kind === "ipvlan";
      const wantRoutes = (index: number, hosts: readonly number[]) =>
        soon(() => expect(bed.routesOn(index)).toHaveLength(routed ? others(index, hosts) : 0));
      afterEach(() => bed.stack.dispose());

      describe.each(["rails", "flat"] as const)("cabled as %s", (cabling) => {
        beforeEach(() => {
          bed = makeClusterBed(cabling, plugin, 2);
        });

        test("pods reach each other on every NIC; a host that is added is reached, one that is removed is forgotten", async () => {
          const more = {
            masters: bed.hosts.hosts[0]?.masters as string[],
            sourceRouting: cabling === "flat" && !routed,
          };
          expect(bed.nodeFileOf(0)).toMatchObject({
            hostIndex: 0,
            masters: [
              { name: "eth1", interfaceIndex: 0 },
              { name: "eth2", interfaceIndex: 1 },
            ],
          });
          writeFileSync(bed.file, clusterText(plugin, cabling, bed.hosts.hosts));
          bed.startOn(bed.hostAt(2));
          for (const index of [0, 1, 2]) await wantRoutes(index, [0, 1, 2]);
          await attachPods(bed.hosts, { ...bed.conf(plugin), ...more }, bed.stack);
          const report = connectivity();
          expect(whyUnconnected(report)).toEqual([]);
          expect(report).toMatchObject({ connected: 3 * 2 * nics, total: 3 * 2 * nics, exitCode: 0 });
          writeFileSync(bed.file, clusterText(plugin, cabling, bed.hosts.hosts.slice(0, 2)));
          for (const index of [0, 1]) await wantRoutes(index, [0, 1]);
          await soon(() =>
            expect(bed.statusOf(2).problems).toEqual([expect.stringContaining('"host-2" is not among them')]),
          );
        });
      });

      describe("on rails", () => {
        beforeEach(() => {
          bed = makeClusterBed("rails", plugin, 3);
        });

        test("a file that is wrong leaves the one before it in force, and is said", async () => {
          const before = [bed.routesOn(0), bed.nodeFileOf(0)];
          writeFileSync(bed.file, clusterText(plugin, "rails", bed.hosts.hosts, [0, 1, 1]));
          await soon(() =>
            expect(bed.statusOf(0).problems).toEqual([expect.stringContaining("index 1 is there twice")]),
          );
          expect([bed.routesOn(0), bed.nodeFileOf(0)]).toEqual(before);
          writeFileSync(bed.file, clusterText(plugin, "rails", bed.hosts.hosts));
          await soon(() => expect(bed.statusOf(0).problems).toEqual([]));
        });

        test("a NIC that is down, back, or gone is followed, and the others are left as they are", async () => {
          const { host } = bed.hostAt(0);
          host.ip(`link set ${masterOf(0)} down`);
          if (routed) {
            await soon(() =>
              expect(bed.statusOf(0).routes.filter(({ state }) => state === "failed")).toHaveLength(2),
            );
            expect(bed.statusOf(0).routes.find(({ state }) => state === "failed")?.error).toMatch(
              /unreachable|down/i,
            );
          }
          expect(bed.routesOn(0)).toHaveLength(routed ? 2 : 0);
          host.ip(`link set ${masterOf(0)} up`);
          await wantRoutes(0, [0, 1, 2]);
          host.ip(`link del ${masterOf(1)}`);
          await soon(() =>
            expect(bed.statusOf(0).failures).toEqual([
              expect.stringMatching(/network rails: no link has 10\.2\.0\.1/),
            ]),
          );
          expect(bed.nodeFileOf(0)).toMatchObject({ masters: [{ name: "eth1", interfaceIndex: 0 }] });
          await soon(() => expect(bed.routesOn(0)).toHaveLength(routed ? 2 : 0));
        });

        test("what others take away comes back, and what is theirs is left alone", async () => {
          const { host } = bed.hostAt(0);
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
          const pods = await attachPods(bed.hosts, bed.conf(plugin), bed.stack);
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
          await add(bed.hostAt(0), bed.conf(plugin), { netns: late.path, containerId: "late" });
          const again = bed.startOn(bed.hostAt(0));
          await once(ping, "close");
          expect(said).toContain("30 packets transmitted, 30 received");
          const { host, stateDir } = bed.hostAt(0);
          const cleanup = (...words: string[]) =>
            host.exec(join(bin, "multi-nicd"), "cleanup", "--state-dir", stateDir, ...words);
          expect(() => cleanup()).toThrow(/end it first/);
          again.process.kill("SIGTERM");
          await once(again.process, "exit");
          const dry = cleanup("--dry-run");
          expect(dry).toContain(`would remove ${stateDir}/networks/rails.json`);
          expect(dry).toContain(`would remove ${stateDir}/cluster-in-force.yaml`);
          expect(bed.routesOn(0)).toHaveLength(routed ? 4 : 0);
          // As one writes it for a daemon.
          host.exec(join(bin, "multi-nicd"), "--cleanup", "--state-dir", stateDir);
          expect([bed.routesOn(0), bed.nodeFileOf(0), host.ip("rule show").includes("30078")]).toEqual([
            [],
            undefined,
            false,
          ]);
          expect(cleanup()).toContain("nothing of multi-nicd's is here");
        });
      });
    },
  );
