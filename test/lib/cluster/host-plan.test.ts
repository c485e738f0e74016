import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Cluster } from "../../../lib/cluster/cluster.ts";
import { placesOf, sharesOf } from "../../../lib/cluster/division.ts";
import { type LocalNic, nodeFileOf, planHost, renumbering } from "../../../lib/cluster/host-plan.ts";
import { parseCluster } from "../../../lib/cluster/parse.ts";
import { formatAddress, formatCidr, overlaps, parseCidr } from "../../../lib/net/address.ts";
import { clusterFile } from "./cluster-file.ts";

const nics = (...texts: readonly string[]): LocalNic[] =>
  texts.map((text, i) => ({ name: `eth${i + 1}`, index: 100 + i, addresses: [parseCidr(text)] }));

function planOf(cluster: Cluster, name: string, own: readonly LocalNic[]) {
  const host = cluster.hosts.find((each) => each.name === name);
  if (host === undefined) throw new Error(name);
  const [plan] = planHost(cluster, host, own);
  if (plan === undefined) throw new Error("no network");
  return plan;
}

const routes = (plan: ReturnType<typeof planOf>) =>
  plan.routes.map(
    ({ dst, gateway, dev, host }) => `${formatCidr(dst)} via ${formatAddress(gateway)} dev ${dev} (${host})`,
  );

describe("the plan of a host", () => {
  const cluster = parseCluster(clusterFile());

  test("has the other hosts' blocks by these hosts' addresses on the same NIC", () => {
    const plan = planOf(cluster, "host-0", nics("10.1.0.1/24", "10.2.0.1/24"));
    expect(routes(plan)).toEqual([
      "192.168.1.0/24 via 10.1.0.2 dev eth1 (host-1)",
      "192.168.65.0/24 via 10.2.0.2 dev eth2 (host-1)",
      "192.168.2.0/24 via 10.1.0.3 dev eth1 (host-2)",
      "192.168.66.0/24 via 10.2.0.3 dev eth2 (host-2)",
    ]);
    expect(nodeFileOf(plan)).toEqual({
      hostIndex: 0,
      masters: [
        { name: "eth1", interfaceIndex: 0 },
        { name: "eth2", interfaceIndex: 1 },
      ],
      blocks: { 0: ["192.168.0.0/24"], 1: ["192.168.64.0/24"] },
      addresses: { 0: ["10.1.0.1"], 1: ["10.2.0.1"] },
      writtenBy: "multi-nicd",
    });
  });

  test("goes by addresses, whatever the links are called", () => {
    const plan = planOf(cluster, "host-1", nics("10.2.0.2/24", "10.1.0.2/24"));
    expect(nodeFileOf(plan).masters).toEqual([
      { name: "eth2", interfaceIndex: 0 },
      { name: "eth1", interfaceIndex: 1 },
    ]);
  });

  test("says which NIC the host does not have, keeps its block, and has no route over it", () => {
    const plan = planOf(cluster, "host-0", nics("10.1.0.1/24"));
    expect(plan.missing.map(({ place }) => place)).toEqual([1]);
    expect(routes(plan).every((route) => route.includes("eth1"))).toBe(true);
    expect(nodeFileOf(plan)).toMatchObject({
      masters: [{ name: "eth1", interfaceIndex: 0 }],
      blocks: { 1: ["192.168.64.0/24"] },
    });
  });

  test("numbers NICs by their places in the network, though a host lacks the first", () => {
    const hosts = `
  - { name: a, index: 0, addresses: [null, 10.2.0.1] }
  - { name: b, index: 1, addresses: [10.1.0.2, 10.2.0.2] }`;
    const plan = planOf(parseCluster(clusterFile({ hosts })), "a", nics("10.2.0.1/24"));
    expect(nodeFileOf(plan).masters).toEqual([{ name: "eth1", interfaceIndex: 1 }]);
    expect(routes(plan)).toEqual(["192.168.65.0/24 via 10.2.0.2 dev eth1 (b)"]);
  });

  test("has several NICs of one subnet as several", () => {
    const networks =
      "\n  - { name: n, subnet: 192.168.0.0/16, ipam: { interfaceBlock: 1, hostBlock: 6 }, masterNets: [10.0.0.0/16], plugin: { type: ipvlan, mode: l3 } }";
    const hosts = `
  - { name: a, index: 0, addresses: [10.0.1.1, 10.0.2.1] }
  - { name: b, index: 1, addresses: [10.0.1.2, 10.0.2.2] }`;
    const plan = planOf(
      parseCluster(clusterFile({ networks, hosts })),
      "a",
      nics("10.0.1.1/16", "10.0.2.1/16"),
    );
    expect(routes(plan)).toEqual(
      ["192.168.1.0/24 via 10.0.1.2 dev eth1 (b)", "192.168.129.0/24 via 10.0.2.2 dev eth2 (b)"].map((line) =>
        line.replace("192.168.1.0/24", "192.168.2.0/23").replace("192.168.129.0/24", "192.168.130.0/23"),
      ),
    );
  });

  test("has both families", () => {
    const networks =
      "\n  - { name: n, subnet: [192.168.0.0/16, fd10::/48], ipam: { interfaceBlock: 2, hostBlock: 6 }, plugin: { type: ipvlan, mode: l3s } }";
    const hosts = `
  - { name: a, index: 0, addresses: [[10.1.0.1, fd01::1]] }
  - { name: b, index: 1, addresses: [[10.1.0.2, fd01::2]] }`;
    const plan = planOf(parseCluster(clusterFile({ networks, hosts })), "a", nics("10.1.0.1/24"));
    expect(routes(plan)).toEqual([
      "192.168.1.0/24 via 10.1.0.2 dev eth1 (b)",
      "fd10:0:0:100::/56 via fd01::2 dev eth1 (b)",
    ]);
  });
});

describe("renumbering", () => {
  const file = (index: number) => nodeFileOf(planOf(parseCluster(clusterFile()), `host-${index}`, []));
  test("is none where the blocks stay, or come anew", () => {
    expect(renumbering(file(0), file(0))).toEqual([]);
    expect(renumbering(undefined, file(0))).toEqual([]);
  });
  test("is each block that is lost", () => {
    expect(renumbering(file(0), file(1))).toEqual([
      "NIC 0: 192.168.0.0/24 becomes 192.168.1.0/24; 10.1.0.1 becomes 10.1.0.2",
      "NIC 1: 192.168.64.0/24 becomes 192.168.65.0/24; 10.2.0.1 becomes 10.2.0.2",
    ]);
    expect(renumbering(file(0), undefined)).toEqual([
      "NIC 0: 192.168.0.0/24 becomes nothing",
      "NIC 1: 192.168.64.0/24 becomes nothing",
    ]);
  });

  /** What a host has that had these addresses in 10.1.0.0/24 and 10.2.0.0/24, and its index before and after. */
  const changed = (addresses: string, masterNets = "10.1.0.0/24, 10.2.0.0/24") =>
    renumbering(
      file(0),
      nodeFileOf(
        planOf(
          parseCluster(
            clusterFile({ hosts: `\n  - { name: host-0, index: 0, addresses: ${addresses} }` }).replace(
              "10.1.0.0/24, 10.2.0.0/24",
              masterNets,
            ),
          ),
          "host-0",
          [],
        ),
      ),
    );
  test.each<[string, string[], string[]]>([
    [
      "each NIC that has another's number, though its block stays",
      changed("[10.2.0.1, 10.1.0.1]"),
      ["NIC 0: 10.1.0.1 becomes 10.2.0.1", "NIC 1: 10.2.0.1 becomes 10.1.0.1"],
    ],
    [
      "each NIC that masterNets give another number",
      changed("[10.1.0.1, 10.2.0.1]", "10.2.0.0/24"),
      ["NIC 0: 10.1.0.1 becomes 10.2.0.1", "NIC 1: 192.168.64.0/24 becomes nothing"],
    ],
    ["an address that a NIC loses", changed("[10.1.0.9, 10.2.0.1]"), ["NIC 0: 10.1.0.1 becomes 10.1.0.9"]],
    ["not an address that a NIC has beside its own", changed("[10.1.0.1, [10.2.0.1, fd02::1]]"), []],
  ])("is %s", (_title, changes, expected) => {
    expect(changes).toEqual(expected);
  });

  test("is told by blocks only of a node file that has no addresses, as those before had none", () => {
    const { addresses: _, ...older } = file(0);
    expect(renumbering(older, file(0))).toEqual([]);
    expect(renumbering(older, file(1))).toEqual([
      "NIC 0: 192.168.0.0/24 becomes 192.168.1.0/24",
      "NIC 1: 192.168.64.0/24 becomes 192.168.65.0/24",
    ]);
  });
});

test("no two blocks of a network overlap, whatever the hosts and NICs", () => {
  const sizes = fc.record({
    hosts: fc.integer({ min: 1, max: 12 }),
    nics: fc.integer({ min: 1, max: 8 }),
    lacking: fc.array(fc.nat({ max: 200 })),
  });
  fc.assert(
    fc.property(sizes, ({ hosts, nics: count, lacking }) => {
      const lines = Array.from({ length: hosts }, (_, host) => {
        const addresses = Array.from({ length: count }, (_, nic) =>
          lacking.includes(host * 8 + nic) && !(host === 0 && nic === 0)
            ? "null"
            : `10.${nic + 1}.0.${host + 1}`,
        );
        return `\n  - { name: h${host}, index: ${host * 3}, addresses: [${addresses.join(", ")}] }`;
      });
      const networks = "\n  - { name: n, subnet: 192.168.0.0/16, ipam: { interfaceBlock: 3, hostBlock: 6 } }";
      const cluster = parseCluster(clusterFile({ networks, hosts: lines.join("") }));
      const [network] = cluster.networks;
      if (network === undefined) throw new Error("no network");
      const places = placesOf(network, cluster);
      const blocks = cluster.hosts.flatMap((host) =>
        sharesOf(network, host, places).flatMap((share) => share.blocks),
      );
      for (const [i, block] of blocks.entries())
        for (const other of blocks.slice(i + 1)) expect(overlaps(block, other)).toBe(false);
    }),
    { numRuns: 50 },
  );
});
