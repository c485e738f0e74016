import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type ClusterBed, clusterText, makeClusterBed, soon } from "./cluster-bed.ts";
import { attachPods, kinds, masterOf } from "./hosts.ts";
import { describeWhere, linkKind } from "./kernel.ts";
import { succeed } from "./plugin.ts";

let bed: ClusterBed;

for (const { kind, plugin } of kinds)
  describeWhere(
    [linkKind(kind), linkKind("veth"), linkKind("bridge")],
    `hosts that get other numbers by the cluster file, ${kind}`,
    () => {
      const routed = kind === "ipvlan";
      beforeEach(() => {
        bed = makeClusterBed("rails", plugin, 3);
      });
      afterEach(() => bed.stack.dispose());

      test("a host with pods is not renumbered, unless it is said to be; one without is", async () => {
        const pods = await attachPods(bed.hosts, bed.conf(plugin), bed.stack);
        writeFileSync(bed.file, clusterText(plugin, "rails", bed.hosts.hosts, [0, 1, 7]));
        await soon(() =>
          expect(bed.statusOf(2).problems).toEqual([
            expect.stringMatching(
              /network rails: 1 attachments.*192\.168\.2\.0\/24 becomes 192\.168\.7\.0\/24.*--renumber/,
            ),
          ]),
        );
        expect(bed.nodeFileOf(2)).toMatchObject({ hostIndex: 2 });
        const [, , last] = pods;
        await succeed(bed.hostAt(2), "DEL", bed.conf(plugin), {
          netns: last?.pod.path ?? "",
          containerId: last?.containerId ?? "",
        });
        await soon(() => expect(bed.nodeFileOf(2)).toMatchObject({ hostIndex: 7 }));
        await soon(() => expect(bed.statusOf(2).problems).toEqual([]));
      });

      test("a host that keeps its pods and their blocks by the file before is reached by the others", async () => {
        const pods = await attachPods(bed.hosts, bed.conf(plugin), bed.stack);
        const before = bed.routesOn(0);
        writeFileSync(bed.file, clusterText(plugin, "rails", bed.hosts.hosts, [0, 1, 7]));
        await soon(() => expect(bed.statusOf(2).problems).toHaveLength(1));
        await soon(() => expect(bed.routesOn(0)).toHaveLength(routed ? 6 : 0));
        const { host } = bed.hostAt(0);
        expect(bed.routesOn(0)).toEqual(expect.arrayContaining(before));
        expect(
          bed
            .statusOf(0)
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
        await soon(() => expect(bed.routesOn(0)).toHaveLength(routed ? 6 : 0));
        const [daemon] = bed.daemons;
        daemon?.process.kill("SIGKILL");
        await once(daemon?.process as never, "exit");
        bed.startOn(bed.hostAt(0));
        await soon(() => expect(bed.statusOf(0).routes).toHaveLength(routed ? 6 : 0));
        expect(bed.routesOn(0)).toEqual(expect.arrayContaining(before));
        writeFileSync(bed.file, clusterText(plugin, "rails", bed.hosts.hosts.slice(0, 2)));
        await soon(() => expect(bed.routesOn(0)).toHaveLength(routed ? 2 : 0));
      });

      test("indexes are not exchanged, nor a NIC's number, by any host, though it has no pods", async () => {
        const before = [0, 1, 2].map((index) => [bed.routesOn(index), bed.nodeFileOf(index)]);
        const { hosts } = bed.hosts;
        const turned = hosts.map((host) =>
          host.index === 1 ? { ...host, addresses: host.addresses.toReversed() } : host,
        );
        const allSay = async (says: RegExp) => {
          for (const index of [0, 1, 2])
            await soon(() => expect(bed.statusOf(index).problems[0]).toMatch(says));
        };
        if (routed) {
          writeFileSync(bed.file, clusterText(plugin, "rails", turned));
          await allSay(/host-1: 10\.2\.0\.2 would be NIC 0/);
        }
        writeFileSync(bed.file, clusterText(plugin, "rails", hosts, [0, 2, 1]));
        await allSay(/would have index [12], which is that of host-/);
        // A daemon that is started anew still knows what was in force, and keeps it.
        const [, daemon] = bed.daemons;
        daemon?.process.kill("SIGKILL");
        await once(daemon?.process as never, "exit");
        bed.hostAt(1).host.ip("route flush table all proto 78");
        bed.startOn(bed.hostAt(1));
        await allSay(/would have index [12], which is that of host-/);
        expect([0, 1, 2].map((index) => [bed.routesOn(index), bed.nodeFileOf(index)])).toEqual(before);
      });

      test("a host whose pods are on a NIC keeps the NIC's number", async () => {
        await attachPods(bed.hosts, bed.conf(plugin), bed.stack);
        const before = [bed.routesOn(1), bed.nodeFileOf(1)];
        const { hosts } = bed.hosts;
        const other = hosts.map((host) =>
          host.index === 1 ? { ...host, addresses: ["10.1.0.99", "10.2.0.2"] } : host,
        );
        writeFileSync(bed.file, clusterText(plugin, "rails", other));
        await soon(() =>
          expect(bed.statusOf(1).problems).toEqual([
            expect.stringMatching(
              /1 attachments of this host have .*NIC 0: 10\.1\.0\.2 becomes 10\.1\.0\.99/,
            ),
          ]),
        );
        expect([bed.routesOn(1), bed.nodeFileOf(1)]).toEqual(before);
      });

      test("a subnet that one of the host's own links is on is refused until it is no more", async () => {
        const { host } = bed.hostAt(2);
        const before = [bed.routesOn(2), bed.nodeFileOf(2)];
        host.ip("link add mgmt type veth peer name mgmt-peer");
        host.ip("addr add 172.16.1.5/24 dev mgmt");
        writeFileSync(
          bed.file,
          clusterText(plugin, "rails", bed.hosts.hosts).replace("192.168.0.0/16", "172.16.0.0/16"),
        );
        await soon(() =>
          expect(bed.statusOf(2).problems).toEqual([
            expect.stringMatching(
              /172\.16\.0\.0\/16 overlaps 172\.16\.1\.0\/24, which this host's link mgmt is on/,
            ),
          ]),
        );
        expect([bed.routesOn(2), bed.nodeFileOf(2)]).toEqual(before);
        await soon(() =>
          expect(bed.nodeFileOf(0)?.blocks).toEqual({ 0: ["172.16.0.0/24"], 1: ["172.16.32.0/24"] }),
        );
        host.ip("addr del 172.16.1.5/24 dev mgmt");
        await soon(() =>
          expect(bed.nodeFileOf(2)?.blocks).toEqual({ 0: ["172.16.2.0/24"], 1: ["172.16.34.0/24"] }),
        );
      });
    },
  );
