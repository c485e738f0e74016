import { readFileSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { JsonObject } from "../../lib/cni/json.ts";
import { type Daemon, startDaemon } from "../live/daemon.ts";
import { describeWhere, linkKind } from "../live/kernel.ts";
import { ipBatch } from "../live/namespaces.ts";
import { makeNode, type Node } from "../live/node.ts";

let node: Node;
beforeEach(() => {
  node = makeNode(2);
});
afterEach(() => node[Symbol.dispose]());

const start = (...args: readonly string[]): Daemon => startDaemon(node.host.name, node.stateDir, args);

/** What it said of NICs, in the order it said it. */
const newsIn = ({ log }: Daemon): JsonObject[] =>
  readFileSync(log, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as JsonObject)
    .filter(({ message }) => /NIC/.test(String(message)));

/** Waits for a line of the log. A kernel's message waits for others, and no resync of 60 s is waited for. */
const told = (daemon: Daemon, message: string, fields: object = {}) =>
  vi.waitFor(() => expect(newsIn(daemon)).toContainEqual(expect.objectContaining({ message, ...fields })), {
    timeout: 20_000,
    interval: 50,
  });

const metrics = (): Promise<string> =>
  new Promise((resolve, reject) => {
    request({ socketPath: join(node.stateDir, "metrics.sock"), path: "/metrics" }, async (response) => {
      resolve((await response.toArray()).join(""));
    })
      .on("error", reject)
      .end();
  });

describeWhere([linkKind("veth")], "multi-nicd and the NICs of its host", () => {
  test("tells of each that goes down, comes up, gets another address, vanishes and comes back, and counts them", async () => {
    using daemon = start("--nic", "eth1", "--nic", "eth2");
    const { host } = node;
    host.ip("link set eth1 down");
    await told(daemon, "NIC eth1 went down", { nic: "eth1", state: "down" });
    expect(await metrics()).toMatch(/^multi_nic_cni_nics\{state="down"\} 1$/m);
    host.ip("link set eth1 up");
    await told(daemon, "NIC eth1 is up", { state: "up" });
    host.ip("addr add 10.7.0.1/24 dev eth1");
    await told(daemon, "NIC eth1 changed", { addresses: expect.arrayContaining(["10.7.0.1/24"]) });
    host.ip("link del eth1");
    await told(daemon, "NIC eth1 vanished", { addresses: expect.arrayContaining(["10.7.0.1/24"]) });
    host.ip("link add eth1 type veth peer name peer1");
    await told(daemon, "NIC eth1 appeared", { state: "down", addresses: [] });
    const shown = await metrics();
    expect(shown).toMatch(/^multi_nic_cni_nics\{state="up"\} 1$/m);
    expect(shown).toMatch(/^multi_nic_cni_nic_changes_total\{type="vanished"\} 1$/m);
    expect(shown).toMatch(/^multi_nic_cni_nic_changes_total\{type="appeared"\} 1$/m);
    expect(newsIn(daemon).every(({ nic }) => nic === "eth1")).toBe(true);
  });

  test("says nothing of pods' links", async () => {
    using daemon = start("--nic", "eth1");
    const { host } = node;
    host.ip("link add pod1 link eth1 type macvlan");
    host.ip("link del pod1");
    host.ip("link set eth2 down");
    host.ip("link set eth1 mtu 1400");
    await told(daemon, "NIC eth1 changed", { mtu: 1400 });
    expect(newsIn(daemon)).toHaveLength(1);
  });

  test("looks at all of them where messages were lost: what they told is not missed", async () => {
    using daemon = start("--nic", "eth1", "--nic", "eth2");
    const { host } = node;
    daemon.process.kill("SIGSTOP");
    // More than its socket has room for, and none of a NIC's.
    const addresses = Array.from({ length: 2_000 }, (_, i) => `10.99.${i >> 8}.${i & 255}/32 dev lo`);
    ipBatch(
      host,
      addresses.map((words) => `addr add ${words}`),
    );
    host.ip("link set eth2 down");
    daemon.process.kill("SIGCONT");
    await told(daemon, "the kernel's messages about NICs came too fast; all NICs are looked at");
    await told(daemon, "NIC eth2 went down");
    host.ip("link set eth2 up");
    await told(daemon, "NIC eth2 is up");
  });

  test("brings back the routes that a NIC lost which went down and came up at once", async () => {
    const file = join(node.stateDir, "..", "cluster.json");
    const hosts = [1, 2, 3].map((index) => ({
      name: `h${index}`,
      index,
      addresses: [`10.1.0.${index}`, `10.2.0.${index}`],
    }));
    const network = {
      name: "rails",
      subnet: "192.168.0.0/16",
      ipam: { interfaceBlock: 1, hostBlock: 4 },
      plugin: { type: "ipvlan", mode: "l3" },
    };
    writeFileSync(file, JSON.stringify({ networks: [network], hosts }));
    using daemon = start("--cluster", file, "--node", "h1");
    const { host } = node;
    const routes = () => host.ip("route show table all proto 78").trim().split("\n").filter(Boolean);
    const soonRoutes = (count: number) =>
      vi.waitFor(() => expect(routes()).toHaveLength(count), { timeout: 20_000, interval: 50 });
    await soonRoutes(4);
    ipBatch(host, ["link set eth1 down", "link set eth1 up"]);
    await soonRoutes(4);
    // By their addresses they are NICs, though virtual.
    host.ip("link set eth2 down");
    await told(daemon, "NIC eth2 went down");
    host.ip("link set eth2 up");
    await soonRoutes(4);
    host.ip("link set eth1 name rail1");
    await told(daemon, "NIC eth1 changed", { name: "rail1", was: { name: "eth1" } });
    await vi.waitFor(() => expect(routes().filter((line) => line.includes("dev rail1"))).toHaveLength(2));
  });
});
