import { describe, expect, test } from "vitest";
import { ClusterError } from "../../../lib/cluster/cluster.ts";
import { parseCluster } from "../../../lib/cluster/parse.ts";
import { formatAddress, formatCidr } from "../../../lib/net/address.ts";
import { clusterFile } from "./cluster-file.ts";

function problemsOf(text: string): readonly string[] {
  try {
    parseCluster(text);
  } catch (error) {
    if (error instanceof ClusterError) return error.problems;
    throw error;
  }
  return [];
}

describe("a cluster file", () => {
  test("says networks and hosts", () => {
    const { networks, hosts } = parseCluster(clusterFile());
    expect(networks).toMatchObject([
      { name: "rails", routed: true, pool: { interfaceBlock: 2, hostBlock: 6, excludes: [] } },
    ]);
    expect(networks[0]?.pool.subnets.map(formatCidr)).toEqual(["192.168.0.0/16"]);
    expect(hosts.map(({ name, index, nics }) => [name, index, nics.flat().map(formatAddress)])).toEqual([
      ["host-0", 0, ["10.1.0.1", "10.2.0.1"]],
      ["host-1", 1, ["10.1.0.2", "10.2.0.2"]],
      ["host-2", 2, ["10.1.0.3", "10.2.0.3"]],
    ]);
  });

  const networks = (plugin: string) =>
    `\n  - { name: n, subnet: 192.168.0.0/16, ipam: { hostBlock: 6, interfaceBlock: 1 }, plugin: ${plugin} }`;
  test.each([
    ["ipvlan l3", "{ type: ipvlan, mode: l3 }", true],
    ["ipvlan l3s, as a MultiNicNetwork has it", "{ type: ipvlan, args: { mode: l3s } }", true],
    ["ipvlan l2", "{ type: ipvlan, mode: l2 }", false],
    ["macvlan", "{ type: macvlan }", false],
  ])("needs host routes for %s: %s is %s", (_title, plugin, routed) => {
    expect(parseCluster(clusterFile({ networks: networks(plugin) })).networks[0]?.routed).toBe(routed);
  });

  test("divides nothing among hosts where there is one, and has the Go project's own kind of link", () => {
    const text = clusterFile({
      networks:
        "\n  - { name: n, subnet: 192.168.0.0/16, ipam: { interfaceBlock: 1 }, plugin: { type: mellanox }, attachPolicy: { strategy: costOpt } }",
      hosts: "\n  - { name: a, index: 5, addresses: [10.1.0.1] }",
    });
    expect(parseCluster(text).networks).toMatchObject([{ routed: false }]);
  });

  test("has its ipam as JSON text too, as a MultiNicNetwork has it", () => {
    const text = clusterFile({ ipam: `'{"type": "multi-nic-ipam", "hostBlock": 6, "interfaceBlock": 2}'` });
    expect(parseCluster(text)).toEqual(parseCluster(clusterFile()));
  });

  test("may lack a NIC of a host, and have two addresses of one", () => {
    const hosts = `
  - { name: a, index: 0, addresses: [null, [10.2.0.1, fd02::1]] }
  - { name: b, index: 1, addresses: [10.1.0.2, 10.2.0.2] }`;
    expect(parseCluster(clusterFile({ hosts })).hosts[0]?.nics.map((nic) => nic.map(formatAddress))).toEqual([
      [],
      ["10.2.0.1", "fd02::1"],
    ]);
  });
});

describe("a cluster file is refused", () => {
  const twoNetworks = (first: string, second: string) =>
    [first, second]
      .map(
        (subnet, i) => `\n  - { name: n${i}, subnet: ${subnet}, ipam: { hostBlock: 6, interfaceBlock: 2 } }`,
      )
      .join("");
  const hosts = (...lines: readonly string[]) => lines.map((line) => `\n  - ${line}`).join("");
  const withPlugin = (plugin: string) =>
    clusterFile({
      networks: `\n  - { name: n, subnet: 192.168.0.0/16, ipam: { hostBlock: 6, interfaceBlock: 2 }, plugin: ${plugin} }`,
    });
  const modes = ["l2", "l3", "l3s"];
  const oneOf = (key: string, value: string, values: readonly string[]) =>
    new RegExp(
      `^networks\\[0\\]\\.plugin\\.${key}: "${value}" is not one of ${values.map((each) => `"${each}"`).join(", ")}$`,
    );
  const rows: readonly (readonly [title: string, text: string, says: RegExp])[] = [
    ["that is no YAML", "networks: [", /YAML: /],
    ["that is empty", "", /the configuration: .* is not an object/],
    ["with a key twice", "networks: []\nnetworks: []\nhosts: []\n", /YAML: Map keys must be unique/],
    ["without hosts", "networks: []\n", /hosts: /],
    ["with an unknown field", "networks: []\nhosts: []\nhost: []\n", /unknown keys "host"; leave them out/],
    [
      "with an unknown field of a host",
      clusterFile({ hosts: hosts("{ name: a, index: 0, addresses: [], nic: 1 }") }),
      /hosts\[0\]: unknown keys "nic"/,
    ],
    [
      "with an unknown field of ipam",
      clusterFile({ ipam: "{ hostBlok: 6 }" }),
      /networks\[0\]\.ipam: unknown hostBlok/,
    ],
    [
      "with an ipam of text that is no JSON",
      clusterFile({ ipam: "nothing" }),
      /networks\[0\]\.ipam: is text that is no JSON object/,
    ],
    [
      "with a host's index in ipam",
      clusterFile({ ipam: "{ hostIndex: 1 }" }),
      /ipam\.hostIndex: is each host's own/,
    ],
    [
      "with a network's name that is none",
      clusterFile({ networks: "\n  - { name: ../x, subnet: 10.9.0.0/16 }" }),
      /networks\[0\]\.name: "\.\.\/x" is no name of a network/,
    ],
    [
      "with a subnet that is none",
      clusterFile({ networks: "\n  - { name: n, subnet: 192.168.0.0/40 }" }),
      /networks\[0\] \(n\): subnet: /,
    ],
    [
      "with host bits in the subnet",
      clusterFile({ networks: "\n  - { name: n, subnet: 192.168.0.1/16 }" }),
      /host bits set; write "192\.168\.0\.0\/16"/,
    ],
    [
      "with a masterNet that is none",
      clusterFile({ networks: "\n  - { name: n, subnet: 192.168.0.0/16, masterNets: [x] }" }),
      /masterNets\[0\]/,
    ],
    [
      "with an address with a prefix length",
      clusterFile({ hosts: hosts("{ name: a, index: 0, addresses: [10.1.0.1/24] }") }),
      /hosts\[0\]\.addresses\[0\] \(a\).*without a prefix length/,
    ],
    [
      "with two addresses of one family for a NIC",
      clusterFile({ hosts: hosts("{ name: a, index: 0, addresses: [[10.1.0.1, 10.1.0.2]] }") }),
      /two addresses of one family/,
    ],
    [
      "with a negative index",
      clusterFile({ hosts: hosts("{ name: a, index: -1, addresses: [] }") }),
      /hosts\[0\]\.index/,
    ],
    [
      "with an index past hostBlock",
      clusterFile({ hosts: hosts("{ name: a, index: 64, addresses: [10.1.0.1] }") }),
      /network rails, host a: ipam\.hostIndex: 64 is outside 0\.\.63/,
    ],
    [
      "with an index twice",
      clusterFile({
        hosts: hosts(
          "{ name: a, index: 1, addresses: [10.1.0.1] }",
          "{ name: b, index: 1, addresses: [10.1.0.2] }",
        ),
      }),
      /hosts: index 1 is there twice/,
    ],
    [
      "with a name twice",
      clusterFile({
        hosts: hosts(
          "{ name: a, index: 1, addresses: [10.1.0.1] }",
          "{ name: a, index: 2, addresses: [10.1.0.2] }",
        ),
      }),
      /hosts: name a is there twice/,
    ],
    [
      "with an address of two hosts",
      clusterFile({
        hosts: hosts(
          "{ name: a, index: 1, addresses: [10.1.0.1] }",
          "{ name: b, index: 2, addresses: [10.1.0.1] }",
        ),
      }),
      /hosts: address 10\.1\.0\.1 is there twice/,
    ],
    [
      "with networks that overlap",
      clusterFile({ networks: twoNetworks("192.168.0.0/16", "192.168.128.0/17") }),
      /n0 has 192\.168\.0\.0\/16 and n1 192\.168\.128\.0\/17, which overlap/,
    ],
    [
      "with a network twice",
      clusterFile({ networks: twoNetworks("192.168.0.0/16", "172.30.0.0/16").replace("n1", "n0") }),
      /networks: name n0 is there twice/,
    ],
    [
      "with a subnet over the hosts' networks",
      clusterFile({
        networks:
          "\n  - { name: n, subnet: 10.0.0.0/8, ipam: { hostBlock: 6, interfaceBlock: 2 }, masterNets: [10.1.0.0/24] }",
      }),
      /10\.0\.0\.0\/8 overlaps 10\.1\.0\.0\/24, which is the hosts'/,
    ],
    [
      "with a subnet over a host's address",
      clusterFile({
        networks: "\n  - { name: n, subnet: 10.0.0.0/8, ipam: { hostBlock: 6, interfaceBlock: 2 } }",
      }),
      /has 10\.1\.0\.1 in it, an address of host host-0/,
    ],
    [
      "with more NICs than interfaceBlock has room for",
      clusterFile({ ipam: "{ hostBlock: 6, interfaceBlock: 0 }" }),
      /has 2 NICs and ipam\.interfaceBlock 0 has room for 1/,
    ],
    [
      "with masterNets of no host",
      clusterFile({
        networks:
          "\n  - { name: n, subnet: 192.168.0.0/16, ipam: { hostBlock: 6 }, masterNets: [10.7.0.0/24] }",
      }),
      /no host has a NIC in its masterNets/,
    ],
    [
      "with IPv6 blocks that IPv4 addresses would have to lead to",
      clusterFile({
        networks:
          "\n  - { name: n, subnet: [192.168.0.0/16, fd10::/48], ipam: { hostBlock: 6, interfaceBlock: 2 }, plugin: { type: ipvlan, mode: l3 } }",
      }),
      /host host-0: NIC 0 has no IPv6 address/,
    ],
    [
      "with a subnet over the hosts' networks of another network",
      clusterFile({
        networks: `
  - { name: n1, subnet: 10.2.128.0/17, ipam: { hostBlock: 6 }, masterNets: [10.1.0.0/24] }
  - { name: n2, subnet: 192.168.0.0/16, ipam: { hostBlock: 6 }, masterNets: [10.2.0.0/16] }`,
      }),
      /^network n1: 10\.2\.128\.0\/17 overlaps 10\.2\.0\.0\/16, which is the hosts' \(masterNets of n2\); take another subnet$/,
    ],
    [
      "with a NIC outside masterNets at the place of one that is in them",
      clusterFile({
        networks:
          "\n  - { name: n, subnet: 192.168.0.0/16, ipam: { hostBlock: 6, interfaceBlock: 2 }, masterNets: [10.2.0.0/24] }",
        hosts: hosts(
          "{ name: h0, index: 0, addresses: [10.1.0.1, 10.2.0.1] }",
          "{ name: h1, index: 1, addresses: [10.1.0.2, 10.2.0.2] }",
          "{ name: h2, index: 2, addresses: [10.2.0.3] }",
        ),
      }),
      /^network n: addresses\[0\] of host h2 \(10\.2\.0\.3\) is in its masterNets, and that of host h0 \(10\.1\.0\.1\) is not; .* null where it lacks one$/,
    ],
    [
      "with a block that hosts share",
      clusterFile({ ipam: "{ interfaceBlock: 2 }" }),
      /^network rails: ipam\.hostBlock 0 .* its 3 hosts .* make it at least 2$/,
    ],
    [
      "with a block that is excluded whole",
      clusterFile({
        ipam: "{ interfaceBlock: 2, hostBlock: 6, excludeCIDRs: [192.168.1.0/24] }",
      }),
      /^network rails, host host-1: ipam\.excludeCIDRs: "192\.168\.1\.0\/24" leave no address of "192\.168\.1\.0\/24".*; exclude less$/,
    ],
    [
      "with all blocks excluded whole, said once",
      clusterFile({
        ipam: "{ interfaceBlock: 2, hostBlock: 6, excludeCIDRs: [192.168.0.0/17, 192.168.128.0/17] }",
      }),
      /^network rails, host host-0: .*exclude less \(and so it is with 5 other blocks\)$/,
    ],
    [
      "with an ipvlan mode that is none",
      withPlugin("{ type: ipvlan, mode: l4 }"),
      oneOf("mode", "l4", modes),
    ],
    ["with a mode in capitals", withPlugin("{ type: ipvlan, mode: L3 }"), oneOf("mode", "L3", modes)],
    [
      "with a mode of args that is none",
      withPlugin("{ type: ipvlan, mode: l3, args: { mode: l4 } }"),
      oneOf("args.mode", "l4", modes),
    ],
    [
      "with ipvlan's mode for macvlan",
      withPlugin("{ type: macvlan, mode: l3 }"),
      oneOf("mode", "l3", ["private", "vepa", "bridge", "passthru"]),
    ],
    [
      "with a kind of link that is none",
      withPlugin("{ type: ipvaln, mode: l3 }"),
      oneOf("type", "ipvaln", ["ipvlan", "macvlan", "vlan", "host-device", "sriov", "mellanox"]),
    ],
    [
      "with a strategy that is none",
      clusterFile({
        networks:
          "\n  - { name: n, subnet: 192.168.0.0/16, ipam: { hostBlock: 6, interfaceBlock: 2 }, attachPolicy: { strategy: costopt } }",
      }),
      /^networks\[0\]\.attachPolicy\.strategy: "costopt" is not one of "none", "devClass", "topology", "costOpt", "perfOpt"$/,
    ],
    ["of more than 16 million characters", `#${"x".repeat(17_000_000)}\n`, /more than \d+ characters/],
    [
      "of aliases that grow without end",
      `a: &a [x, x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b]\nnetworks: [*c, *c, *c, *c, *c, *c]\nhosts: []\n`,
      /YAML: Excessive alias count/,
    ],
  ];
  test.each(rows)("%s", (_title, text, says) => {
    expect(problemsOf(text).join("\n")).toMatch(says);
  });

  test("with all that is wrong with it", () => {
    const text = clusterFile({
      networks: "\n  - { name: n, subnet: x }\n  - { name: m, subnet: 192.168.0.0/16, masterNets: [y] }",
      hosts: "\n  - { name: a, index: 0, addresses: [z] }",
    });
    expect(problemsOf(text)).toHaveLength(3);
  });
});
