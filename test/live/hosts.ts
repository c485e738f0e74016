import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JsonObject } from "../../lib/cni/json.ts";
import { pool } from "./conf.ts";
import { isUml } from "./kernel.ts";
import { ipBatch, makeNamespace, type Namespace } from "./namespaces.ts";
import { type Node, writeNodeFile } from "./node.ts";
import { add } from "./plugin.ts";

/** One host of several: a node with NICs on the fabric, an index, and a state folder of its own. */
export interface Host extends Node {
  readonly index: number;
  /** Of its NICs, in their order, without prefix lengths */
  readonly addresses: readonly string[];
}

/** macvlan is this machine's kernel's to show, and ipvlan the test kernel's. */
export const kinds = [
  { kind: "macvlan", plugin: { type: "macvlan" } },
  { kind: "ipvlan", plugin: { type: "ipvlan", mode: "l3" } },
].filter(({ kind }) => kind === "ipvlan" || !isUml) as readonly {
  readonly kind: "macvlan" | "ipvlan";
  readonly plugin: { readonly type: string; readonly mode?: string };
}[];

/** How the NICs are cabled: each rail a switch and a subnet of its own, or all NICs on one switch and subnet. */
export type Cabling = "rails" | "flat";

/** Hosts whose NICs meet on the switches of the fabric; all of it goes when it is disposed of. */
export interface Hosts extends Disposable {
  readonly hosts: readonly Host[];
  /** Where the switches are: bridges rail1, rail2, …, or flat; the port of a NIC is h<host>e<nic> */
  readonly fabric: Namespace;
  readonly cabling: Cabling;
}

/** The port of the switch that a NIC (from 0) of a host is plugged into. */
export const portOf = (host: Host, nic: number): string => `h${host.index}e${nic + 1}`;

export const masterOf = (nic: number): string => `eth${nic + 1}`;

/** The NIC's address: 10.<rail>.0.<host + 1>/24, or 10.0.<nic + 1>.<host + 1>/16 where all are on one subnet. */
export function hostAddress(cabling: Cabling, host: number, nic: number): string {
  return cabling === "rails" ? `10.${nic + 1}.0.${host + 1}` : `10.0.${nic + 1}.${host + 1}`;
}

/** As many hosts with as many NICs, all up. Nothing is attached, and no network is known to them. */
export function makeHosts(cabling: Cabling, count = 4, nics = 4): Hosts {
  using made = new DisposableStack();
  const fabric = made.use(makeNamespace("fabric"));
  const switches = [...new Set(Array.from({ length: nics }, (_, nic) => switchOf(cabling, nic)))];
  ipBatch(
    fabric,
    // Snooping would keep neighbour solicitations from those who have not said that they listen.
    switches.flatMap((name) => [`link add ${name} type bridge mcast_snooping 0`, `link set ${name} up`]),
  );
  const hosts = Array.from({ length: count }, (_, index) => {
    const host = makeHost(cabling, index, nics);
    made.use(host);
    cable(fabric, cabling, host);
    return host;
  });
  const kept = made.move();
  return { hosts, fabric, cabling, [Symbol.dispose]: () => kept.dispose() };
}

const switchOf = (cabling: Cabling, nic: number): string => (cabling === "flat" ? "flat" : `rail${nic + 1}`);

function makeHost(cabling: Cabling, index: number, nics: number): Host {
  const host = makeNamespace(`host${index}`);
  const folder = mkdtempSync(join(tmpdir(), "multi-nic-cni-host-"));
  const [stateDir, logFile] = [join(folder, "state"), join(folder, "log")];
  return {
    host,
    index,
    masters: Array.from({ length: nics }, (_, nic) => masterOf(nic)),
    addresses: Array.from({ length: nics }, (_, nic) => hostAddress(cabling, index, nic)),
    stateDir,
    logFile,
    env: { MULTI_NIC_CNI_STATE_DIR: stateDir, MULTI_NIC_CNI_LOG_FILE: logFile },
    [Symbol.dispose]: () => {
      host[Symbol.dispose]();
      rmSync(folder, { recursive: true });
    },
  };
}

function cable(fabric: Namespace, cabling: Cabling, host: Host): void {
  ipBatch(
    fabric,
    host.masters.flatMap((name, nic) => [
      `link add ${portOf(host, nic)} type veth peer name ${name} netns ${host.host.name}`,
      `link set ${portOf(host, nic)} master ${switchOf(cabling, nic)} up`,
    ]),
  );
  // Else a host answers on each NIC for the addresses of all: any host with several on one subnet is set so.
  if (cabling === "flat") host.host.exec("sysctl", "-qw", ...strictArp);
  const prefix = cabling === "flat" ? 16 : 24;
  ipBatch(
    host.host,
    host.masters.flatMap((name, nic) => [
      `link set ${name} up`,
      `addr add ${host.addresses[nic]}/${prefix} dev ${name}`,
    ]),
  );
}

const strictArp = ["net.ipv4.conf.all.arp_ignore=1", "net.ipv4.conf.all.arp_announce=2"];

/** A network over all NICs, the same text on every host: which host it is, the node file says (giveIndexes). */
export function networkOver({ hosts }: Hosts, plugin: JsonObject, more: JsonObject = {}): JsonObject {
  const { subnet, ipam } = pool();
  const { hostIndex: _, ...anyHost } = ipam as JsonObject;
  const masters = [...(hosts[0]?.masters ?? [])];
  return {
    cniVersion: "1.1.0",
    name: "rails",
    type: "multi-nic",
    plugin,
    masters,
    subnet: subnet ?? null,
    ipam: anyHost,
    ...more,
  };
}

/** The node file of the network on each host. */
export function giveIndexes({ hosts }: Hosts, network: string): void {
  for (const host of hosts) {
    const masters = host.masters.map((name, interfaceIndex) => ({ name, interfaceIndex }));
    writeNodeFile(host, network, { hostIndex: host.index, masters });
  }
}

/** A pod of a host, attached. */
export interface HostPod {
  readonly host: Host;
  readonly pod: Namespace;
  readonly containerId: string;
  /** Of its NICs, in their order, without prefix lengths */
  readonly addresses: readonly string[];
}

/** A pod on each host, attached by the executable under test; `stack` takes them away. */
export async function attachPods(
  { hosts }: Hosts,
  conf: JsonObject,
  stack: DisposableStack,
): Promise<HostPod[]> {
  const pods: HostPod[] = [];
  for (const host of hosts) {
    const pod = makeNamespace(`pod${host.index}`);
    // A test may have taken it away.
    stack.defer(() => existsSync(pod.path) && pod[Symbol.dispose]());
    const containerId = `pod-${host.index}`;
    const { ips } = await add(host, conf, { netns: pod.path, containerId });
    pods.push({ host, pod, containerId, addresses: ips.map(({ address }) => address.split("/")[0] ?? "") });
  }
  return pods;
}
