import { cpSync, existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "../../../lib/cni/invocation.ts";
import type { JsonObject } from "../../../lib/cni/json.ts";
import { conf, pool } from "../conf.ts";
import { type IpLink, kernelState, linksOf } from "../kernel-state.ts";
import { makeNamespace, type Namespace } from "../namespaces.ts";
import { makeNode, type Node } from "../node.ts";
import { type Ended, type Invoked, run } from "./strace.ts";

/** Where faults are tried: a node with four masters, two pods, and a store that can be put back as it was. */
export interface Bed extends Disposable {
  readonly node: Node;
  readonly pod: Namespace;
  readonly other: Namespace;
  /** The pods' and the node's links and all, with nothing attached. */
  readonly empty: string;
  /** A call of multi-nic for the pod, or for the other one. */
  invoked(command: Command, more?: JsonObject, who?: "pod" | "other"): Invoked;
  /** The same, carried out undisturbed. */
  call(command: Command, more?: JsonObject, who?: "pod" | "other"): Promise<Ended>;
  /** Puts the state folder back: to a store that has been used, or to none at all. */
  restore(store: "used" | "none"): void;
  /** What is in the kernel now, to compare with `empty`. */
  state(): string;
}

const masters = ["eth1", "eth2", "eth3", "eth4"];
const addresses = ["pod", "other"] as const;

/** Rules and routes as well as addresses of both families; a cool-down that no sweep outlasts. */
const network = (plugin: JsonObject) =>
  conf({ masters, sourceRouting: true, plugin }, pool([4, 6], { coolDown: 86_400 }));

/** Each NIC's block is a /30, and one of its two addresses is excluded. */
export const oneAddress: JsonObject = {
  subnet: "192.168.0.0/27",
  ipam: {
    type: "multi-nic-ipam",
    interfaceBlock: 3,
    coolDown: 86_400,
    excludeCIDRs: [2, 6, 10, 14].map((last) => `192.168.0.${last}/32`),
  },
};

/** @param bin folder of the executables @param plugin the `plugin` section: macvlan, ipvlan or host-device */
export async function makeBed(bin: string, plugin: JsonObject): Promise<Bed> {
  const node = makeNode(masters.length);
  const pods = { pod: makeNamespace("pod"), other: makeNamespace("other") };
  const state = () =>
    JSON.stringify([...Object.values(pods).map(kernelState), linksOf(node.host).map(ofHost)]);
  const invoked: Bed["invoked"] = (command, more = {}, who = "pod") => ({
    file: join(bin, "multi-nic"),
    stdin: JSON.stringify({ ...network(plugin), ...more }),
    env: {
      CNI_COMMAND: command,
      CNI_CONTAINERID: `c${addresses.indexOf(who) + 1}`,
      CNI_NETNS: command === "GC" ? "" : pods[who].path,
      CNI_IFNAME: "net1",
      CNI_PATH: bin,
      ...node.env,
    },
  });
  const call: Bed["call"] = (command, more, who) => run(node, invoked(command, more, who));
  const snapshot = `${node.stateDir}.used`;
  const restore = (store: "used" | "none") => {
    rmSync(node.stateDir, { recursive: true, force: true });
    if (store === "used") cpSync(snapshot, node.stateDir, { recursive: true });
  };
  const bed: Bed = {
    node,
    ...pods,
    empty: state(),
    invoked,
    call,
    restore,
    state,
    [Symbol.dispose]: () => {
      for (const each of [...Object.values(pods), node]) each[Symbol.dispose]();
    },
  };
  await useOnce(bed, snapshot);
  return bed;
}

/** What a device that was lent has to have again. */
const ofHost = ({ ifname, mtu, address, group, flags }: IpLink) =>
  `${ifname} ${mtu} ${address} ${group} ${flags.includes("UP")}`;

/** The store of a node that has been up for a while: made, and with addresses that cool down. */
async function useOnce({ node, call }: Bed, snapshot: string): Promise<void> {
  for (const command of ["ADD", "DEL"] as const) {
    const { exitCode, stdout, stderr } = await call(command);
    if (exitCode !== 0) throw new Error(`${command} without a fault failed: ${stdout}${stderr}`);
  }
  if (!existsSync(join(node.stateDir, "state.db"))) throw new Error("ADD and DEL left no state database");
  cpSync(node.stateDir, snapshot, { recursive: true });
}
