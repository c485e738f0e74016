import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checked, unconnected, whyUnconnected } from "../concheck/concheck.ts";
import {
  attachPods,
  type Cabling,
  giveIndexes,
  type HostPod,
  type Hosts,
  kinds,
  makeHosts,
  masterOf,
  networkOver,
  portOf,
} from "./hosts.ts";
import { addHostRoutes } from "./hosts-routes.ts";
import { describeWhere, linkKind } from "./kernel.ts";

const cablings: readonly Cabling[] = ["rails", "flat"];

let bed: Hosts;
let stack: DisposableStack;
let pods: HostPod[];

const [hosts, nics] = [4, 4];
/** Every ordered pair of pods, every NIC */
const all = hosts * (hosts - 1) * nics;

/** concheck over the state folders of all hosts. */
const check = () =>
  checked([
    "--no-bandwidth",
    "--timeout=1",
    ...bed.hosts.flatMap(({ stateDir }) => ["--state-dir", stateDir]),
  ]);

/** What involves a NIC of a host: every other pod's address on that NIC as seen from there, and its own as seen by all. */
function rowsOf(host: number, nic: number): string[] {
  const own = pods[host];
  return pods
    .filter((pod) => pod !== own)
    .flatMap((pod) => [
      `${own?.containerId} > ${pod.containerId} ${pod.addresses[nic]}`,
      `${pod.containerId} > ${own?.containerId} ${own?.addresses[nic]}`,
    ])
    .sort();
}

for (const { kind, plugin } of kinds)
  describeWhere(
    [linkKind(kind), linkKind("veth"), linkKind("bridge")],
    `four hosts with four NICs, ${kind}`,
    () => {
      describe.each(cablings)("cabled as %s", (cabling) => {
        beforeEach(async () => {
          stack = new DisposableStack();
          bed = stack.use(makeHosts(cabling, hosts, nics));
          const conf = networkOver(bed, plugin, { sourceRouting: cabling === "flat" && kind === "macvlan" });
          giveIndexes(bed, "rails");
          if (kind === "ipvlan") addHostRoutes(bed);
          pods = await attachPods(bed, conf, stack);
        });
        afterEach(() => stack.dispose());

        it("every pod reaches every other on every NIC", () => {
          const report = check();
          expect(whyUnconnected(report)).toEqual([]);
          expect(report).toMatchObject({ connected: all, total: all, exitCode: 0 });
        });

        it("a NIC that is down, or unplugged, shows in its rows and in no other; once it is back, in none", () => {
          const [, host] = bed.hosts;
          if (host === undefined) throw new Error("there is a second host");
          host.host.ip(`link set ${masterOf(2)} down`);
          expect(unconnected(check())).toEqual(rowsOf(1, 2));
          host.host.ip(`link set ${masterOf(2)} up`);
          restoreRoutes();
          bed.fabric.ip(`link set ${portOf(host, 0)} down`);
          expect(unconnected(check())).toEqual(rowsOf(1, 0));
          bed.fabric.ip(`link set ${portOf(host, 0)} up`);
          expect(whyUnconnected(check())).toEqual([]);

          /** The kernel drops a NIC's routes with its IFF_UP; nothing reconciles them here. */
          function restoreRoutes() {
            if (kind !== "ipvlan") return;
            for (const each of bed.hosts) each.host.ip("rule del from 192.168.0.0/16");
            for (const each of bed.hosts) each.host.ip("route flush table 100");
            addHostRoutes(bed);
          }
        });

        it("a pod that is gone without a DEL counts as not connected, with the reason", () => {
          pods[3]?.pod[Symbol.dispose]();
          const report = check();
          expect(unconnected(report)).toEqual([0, 1, 2, 3].flatMap((nic) => rowsOf(3, nic)).sort());
          expect(report.networks[0]?.pods.find(({ name }) => name === "pod-3")?.missing).toContain("is gone");
        });
      });
    },
  );
