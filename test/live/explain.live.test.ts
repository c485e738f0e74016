import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Explanation } from "../../doctor/explain/explain.ts";
import type { JsonObject } from "../../lib/cni/json.ts";
import { conf } from "./conf.ts";
import { describeWhere, linkKind } from "./kernel.ts";
import { type Attachment, add, bin, type Conf, refused } from "./plugin.ts";
import { here, useScene } from "./scene.ts";

/** A call whose refusal is to be explained. */
interface Row {
  readonly title: string;
  readonly conf: Conf;
  readonly at?: Partial<Attachment>;
  readonly arrange?: () => unknown;
  readonly id: string;
  readonly mender: Explanation["mender"];
  /** What is said to be changed has to name it. */
  readonly change: RegExp;
}

const both = { masters: ["eth1", "eth2"] };
const wish = (cni: JsonObject) => conf(both, { args: { cni } });
const small = conf({ masters: ["eth1"], subnet: "192.168.7.0/30", ipam: { type: "multi-nic-ipam" } });
const attach = (each: JsonObject, containerId: string, more: Partial<Attachment> = {}) =>
  add(here().node, each, { netns: here().other.path, containerId, ...more });

const rows: readonly Row[] = [
  {
    title: "a pod network on a DPU",
    conf: { cniVersion: "0.4.0", name: "infra-dpu-cni", type: "infra-dpu-cni" },
    id: "no-pod-network",
    mender: "pod",
    change: /hostNetwork: true/,
  },
  {
    title: "more NICs than there are",
    conf: wish({ nics: 3 }),
    id: "too-many-nics",
    mender: "pod",
    change: /at most 2/,
  },
  {
    title: "a NIC that the network does not have",
    conf: wish({ masters: ["eth9"] }),
    id: "master-of-pod",
    mender: "pod",
    change: /cni-args/,
  },
  {
    title: "a name too long for the kernel",
    conf: conf(both),
    at: { ifname: "averylongname1" },
    id: "name-too-long",
    mender: "pod",
    change: /shorter name/,
  },
  {
    title: "an interface that is there already",
    conf: conf(both),
    arrange: () => here().pod.ip("link add net1-0 type veth peer name net1-9"),
    id: "interface-exists",
    mender: "pod",
    change: /network@ifname/,
  },
  {
    title: "an attachment made twice",
    conf: conf(both),
    arrange: () => attach(conf(both), "c1"),
    id: "interface-exists",
    mender: "pod",
    change: /delete the pod/,
  },
  {
    title: "an address that another pod has",
    conf: conf(both),
    at: { args: "IP=192.168.1.1" },
    arrange: () => attach(conf(both), "c2"),
    id: "address-taken",
    mender: "pod",
    change: /"ips"/,
  },
  {
    title: "an address of another host's block",
    conf: conf(both),
    at: { args: "IP=192.168.2.1" },
    id: "address-outside",
    mender: "pod",
    change: /"ips"/,
  },
  {
    title: "no address left",
    conf: small,
    arrange: async () => {
      for (const id of ["c2", "c3"]) await attach(small, id, { ifname: id });
    },
    id: "pool-exhausted",
    mender: "network",
    change: /larger subnet/,
  },
  {
    title: "a host that nobody has numbered",
    conf: conf(both, { ipam: { type: "multi-nic-ipam", interfaceBlock: 3, hostBlock: 5 } }),
    id: "host-index",
    mender: "node",
    change: /"hostIndex": N/,
  },
  {
    title: "a master that the node does not have",
    conf: conf({ masters: ["eth9"] }),
    id: "no-master",
    mender: "network",
    change: /masters/,
  },
  {
    title: "a sandbox that has gone",
    conf: conf(both),
    at: { netns: "/run/netns/nowhere" },
    id: "sandbox-gone",
    mender: "nobody",
    change: /new sandbox/,
  },
  {
    title: "a state database that is none",
    conf: conf(both),
    arrange: () => {
      mkdirSync(here().node.stateDir, { recursive: true });
      writeFileSync(join(here().node.stateDir, "state.db"), "no database, whatever is done".repeat(200));
    },
    id: "state-database",
    mender: "node",
    change: /multi-nic-doctor/,
  },
  {
    title: "any other refusal, in its own words",
    conf: conf(both, { plugin: { type: "macvlan", mtu: 9000 } }),
    id: "own",
    mender: "network",
    change: /1500/,
  },
];

/** An event's text, as CRI-O and a thin Multus word what libcni makes of an error object. */
const eventOf = (type: string, { msg, details }: { msg: string; details?: string }) =>
  `Failed to create pod sandbox: rpc error: code = Unknown desc = failed to create pod network sandbox k8s_web_shop_7f_0(c1): ` +
  `error adding pod shop_web to CNI network "multus-cni-network": plugin type="multus" name="multus-cni-network" failed (add): ` +
  `[shop/web/7f:n1]: error adding container to network "n1": plugin type="${type}" failed (add): ${msg}${details ? `; ${details}` : ""}`;

describeWhere(linkKind("macvlan"), "multi-nic-doctor explains what the executables say", () => {
  useScene();

  test.each(rows)("$title", async ({ conf, at = {}, arrange, id, mender, change }) => {
    await arrange?.();
    const error = await refused(here().node, "ADD", conf, {
      netns: here().pod.path,
      args: "K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web",
      ...at,
    });
    const type = typeof conf === "object" && typeof conf.type === "string" ? conf.type : "";
    const args = ["explain", "--json", eventOf(type, error)];
    const { status, stdout } = spawnSync(join(bin, "multi-nic-doctor"), args, { encoding: "utf8" });
    const { change: said, ...explained } = JSON.parse(stdout) as Explanation;
    expect(explained, error.msg).toMatchObject({ id, mender, plugin: type, network: "n1", pod: "shop/web" });
    expect(said).toMatch(change);
    expect(status).toBe(0);
  });
});
