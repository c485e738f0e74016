import { describe, expect, test } from "vitest";
import { formerBlocks, routesOf } from "../../../lib/cluster/former.ts";
import { planHost } from "../../../lib/cluster/host-plan.ts";
import { parseCluster } from "../../../lib/cluster/parse.ts";
import { formatAddress, formatCidr, parseCidr } from "../../../lib/net/address.ts";
import { toRoute } from "../../../lib/route/host-routes.ts";
import { clusterFile } from "./cluster-file.ts";

const hosts = (...lines: readonly string[]) => lines.map((line) => `\n  - ${line}`).join("");
const [a, b, c] = [
  "{ name: a, index: 0, addresses: [10.1.0.1, 10.2.0.1] }",
  "{ name: b, index: 1, addresses: [10.1.0.2, 10.2.0.2] }",
  "{ name: c, index: 2, addresses: [10.1.0.3, 10.2.0.3] }",
];
const nics = ["10.1.0.1/24", "10.2.0.1/24"].map((text, i) => ({
  name: `eth${i + 1}`,
  index: 100 + i,
  addresses: [parseCidr(text)],
}));
const plansOf = (text: string) => {
  const cluster = parseCluster(text);
  const own = cluster.hosts.find(({ name }) => name === "a");
  if (own === undefined) throw new Error("no host a");
  return { cluster, own, plans: planHost(cluster, own, nics) };
};
const before = plansOf(clusterFile({ hosts: hosts(a, b, c) })).plans.flatMap(({ network, routes }) =>
  routes.map((route) => toRoute(network.name, route)),
);

/** What is kept on host a of the routes that it had. */
function keptBy(text: string, routes = before): string[] {
  const { cluster, own, plans } = plansOf(text);
  const former = formerBlocks(cluster, own, routes);
  return plans.flatMap((plan) =>
    routesOf(plan, former)
      .filter((route) => route.former)
      .map(
        ({ dst, gateway, dev, host }) =>
          `${formatCidr(dst)} via ${formatAddress(gateway)} dev ${dev} (${host})`,
      ),
  );
}

describe("blocks that hosts had before", () => {
  const moved = c.replace("index: 2", "index: 7");
  const stay = ["192.168.2.0/24 via 10.1.0.3 dev eth1 (c)", "192.168.66.0/24 via 10.2.0.3 dev eth2 (c)"];
  test.each<[string, string, string[]]>([
    ["none where nothing changes", clusterFile({ hosts: hosts(a, b, c) }), []],
    ["those of a host with another index", clusterFile({ hosts: hosts(a, b, moved) }), stay],
    ["not those of a host that is gone", clusterFile({ hosts: hosts(a, b) }), []],
    [
      "not those that another host has now",
      clusterFile({ hosts: hosts(a, b, moved, "{ name: d, index: 2, addresses: [10.1.0.4] }") }),
      [],
    ],
    [
      "not those by an address that is gone",
      clusterFile({ hosts: hosts(a, b, "{ name: c, index: 7, addresses: [10.1.0.9, 10.2.0.3] }") }),
      stay.slice(1),
    ],
    [
      "not those of a subnet that is divided otherwise",
      clusterFile({ hosts: hosts(a, b, moved), ipam: "{ interfaceBlock: 2, hostBlock: 5 }" }),
      [],
    ],
    [
      "not those of a network without routes",
      clusterFile({ hosts: hosts(a, b, moved) }).replace("mode: l3", "mode: l2"),
      [],
    ],
    [
      "none of another network",
      clusterFile({ hosts: hosts(a, b, moved) }).replace("name: rails", "name: r2"),
      [],
    ],
  ])("are %s", (_title, text, expected) => {
    expect(keptBy(text)).toEqual(expected);
  });

  test("are each once, though their routes are told twice", () => {
    expect(keptBy(clusterFile({ hosts: hosts(a, b, moved) }), [...before, ...before])).toEqual(stay);
  });
});
