import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ClusterStatus } from "../../daemon/cluster/cluster-status.ts";
import { tableOf } from "../../lib/route/host-routes.ts";
import { type Daemon, startDaemon } from "../live/daemon.ts";
import { describeWhere, linkKind } from "../live/kernel.ts";
import { makeNode, masterAddress, type Node } from "../live/node.ts";
import { bin } from "../live/plugin.ts";

let node: Node;
let daemon: Daemon;
beforeEach(async () => {
  node = makeNode(2);
  const file = join(dirname(node.stateDir), "cluster.yaml");
  const host = (number: number) => ({
    name: `h${number}`,
    index: number,
    addresses: [1, 2].map((nic) => [masterAddress(nic, number), `fd0${nic}::${number}`]),
  });
  const network = {
    name: "rails",
    subnet: ["192.168.0.0/16", "fd10::/48"],
    ipam: { type: "multi-nic-ipam", interfaceBlock: 3, hostBlock: 5 },
    plugin: { type: "ipvlan", mode: "l3" },
  };
  writeFileSync(file, JSON.stringify({ networks: [network], hosts: [host(1), host(2)] }));
  // The end of duplicate address detection is a change of a NIC, after which everything is looked at.
  await soon(() => expect(node.host.ip("-6 addr show tentative")).toBe(""));
  daemon = startDaemon(node.host.name, node.stateDir, ["--cluster", file, "--node", "h1"]);
  await soon(() => expect(wrong()).toEqual([]));
});
afterEach(() => {
  daemon[Symbol.dispose]();
  node[Symbol.dispose]();
});

/** Less than the time between looks at everything, by which it would be noticed in any case. */
const soon = (check: () => void) => vi.waitFor(check, { timeout: 20_000, interval: 50 });
const table = tableOf("rails");

/** Routes that are not as they should be: "<destination> <what the kernel says>". */
function wrong(): string[] {
  const text = node.host.exec(
    "sh",
    "-c",
    `"$0" routes --json --state-dir "$1" || :`,
    join(bin, "multi-nicd"),
    node.stateDir,
  );
  const { routes } = JSON.parse(text) as ClusterStatus;
  expect(routes).toHaveLength(4);
  return routes.filter(({ state }) => state !== "ok").map(({ dst, error }) => `${dst} ${error}`);
}

const routes = (family: string) => node.host.ip(`${family} route show table ${table}`).trim().split(/\s*\n/);

const families: [family: string, dst: string, gateway: string][] = [
  ["-4", "192.168.2.0/24", "10.1.0.2"],
  ["-6", "fd10:0:0:200::/56", "fd01::2"],
];

describeWhere([linkKind("veth")], "a route of multi-nicd's, by ip", () => {
  test.each(families)(
    "%s, that others replaced by their own is said to be so, and comes back once theirs is gone",
    async (family, dst) => {
      const before = routes(family);
      node.host.ip(`${family} route replace unreachable ${dst} table ${table} proto 4`);
      await soon(() => expect(wrong()).toEqual([expect.stringMatching(`^${dst} .*EEXIST`)]));
      expect(node.host.ip(`${family} route show table ${table} proto 4`)).toContain(dst);
      node.host.ip(`${family} route del unreachable ${dst} table ${table}`);
      await soon(() => expect(wrong()).toEqual([]));
      expect(routes(family)).toEqual(before);
    },
  );

  test.each(
    families.flatMap(([family, dst, gateway]): [string, string, string][] => [
      [family, "leads elsewhere", `${dst} dev lo`],
      [family, "has an MTU", `${dst} via ${gateway} dev eth1 mtu 1400`],
      [family, "has one of another priority before it", `${dst} dev lo metric 5`],
      [family, "has another metric of the kernel's", `${dst} via ${gateway} dev eth1 initcwnd 2`],
    ]),
  )("%s, that %s since is made anew", async (family, _title, changed) => {
    const before = routes(family);
    node.host.ip(`${family} route replace ${changed} table ${table} proto 78`);
    await soon(() => expect(routes(family)).toEqual(before));
    expect(wrong()).toEqual([]);
  });
});
