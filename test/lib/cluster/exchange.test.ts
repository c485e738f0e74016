import { expect, test } from "vitest";
import { exchanges } from "../../../lib/cluster/exchange.ts";
import { parseCluster } from "../../../lib/cluster/parse.ts";
import { clusterFile } from "./cluster-file.ts";

interface Said {
  /** By their names: index and addresses */
  readonly hosts?: Readonly<Record<string, readonly [index: number, addresses: string]>>;
  readonly subnet?: string;
  readonly bits?: string;
  readonly masterNets?: string;
  readonly plugin?: string;
}

const three = {
  a: [0, "[10.1.0.1, 10.2.0.1]"],
  b: [1, "[10.1.0.2, 10.2.0.2]"],
  c: [2, "[10.1.0.3, 10.2.0.3]"],
} as const;

const cluster = ({
  hosts = three,
  subnet = "192.168.0.0/16",
  bits = "{ interfaceBlock: 2, hostBlock: 6 }",
  masterNets = "10.1.0.0/24, 10.2.0.0/24",
  plugin = "{ type: ipvlan, mode: l3 }",
}: Said) =>
  parseCluster(
    clusterFile({
      networks: `\n  - { name: rails, subnet: ${subnet}, ipam: ${bits}, masterNets: [${masterNets}], plugin: ${plugin} }`,
      hosts: Object.entries(hosts)
        .map(
          ([name, [index, addresses]]) => `\n  - { name: ${name}, index: ${index}, addresses: ${addresses} }`,
        )
        .join(""),
    }),
  );

const { a, b, c } = three;
const macvlan = { plugin: "{ type: macvlan }" };
const none: readonly RegExp[] = [];
const rows: readonly (readonly [title: string, before: Said, after: Said, says: readonly RegExp[]])[] = [
  ["nothing that is as it was", {}, {}, none],
  ["no host that is added", { hosts: { a, b } }, {}, none],
  ["no host that goes", {}, { hosts: { a, b } }, none],
  ["no index that nobody had", {}, { hosts: { a, b, c: [7, c[1]] } }, none],
  ["no new host in the place of one that goes", {}, { hosts: { a, b, d: [2, "[10.1.0.4]"] } }, none],
  ["no address that nobody had", {}, { hosts: { a, b, c: [2, "[10.1.0.9, 10.2.0.9]"] } }, none],
  ["no other subnet", {}, { subnet: "172.16.0.0/12", bits: "{ interfaceBlock: 3, hostBlock: 5 }" }, none],
  ["nothing of a host that is alone", { hosts: { a } }, { hosts: { a: [0, "[10.2.0.1, 10.1.0.1]"] } }, none],
  [
    "indexes of two hosts that are exchanged",
    {},
    { hosts: { a, b: [2, b[1]], c: [1, c[1]] } },
    [
      /^hosts: c would have index 1, which is that of b, .*; once it has none, take host b out of the file, .* --renumber$/,
      /^hosts: b would have index 2, which is that of c, /,
    ],
  ],
  [
    "an index that another host has, though that one gets a free one",
    {},
    { hosts: { a, b: [2, b[1]], c: [7, c[1]] } },
    [/^hosts: b would have index 2, which is that of c, /],
  ],
  [
    "an index that a new host has",
    {},
    { hosts: { a, b, c: [7, c[1]], d: [2, "[10.1.0.4]"] } },
    [/^hosts: d would have index 2, which is that of c, /],
  ],
  [
    "addresses of a host that are exchanged",
    {},
    { hosts: { a, b, c: [2, "[10.2.0.3, 10.1.0.3]"] }, masterNets: "10.0.0.0/8" },
    [/^network rails, host c: 10\.2\.0\.3 would be NIC 0 in place of NIC 1, .*host c, or network rails, out/],
  ],
  [
    "masterNets by which NICs have other numbers",
    {},
    { masterNets: "10.2.0.0/24" },
    [/^network rails, host a: 10\.2\.0\.1 would be NIC 0 in place of NIC 1, /],
  ],
  [
    "no NICs of another number where no host routes to them",
    macvlan,
    { ...macvlan, masterNets: "10.2.0.0/24" },
    none,
  ],
  [
    "other bits of the same subnet",
    macvlan,
    { ...macvlan, bits: "{ interfaceBlock: 2, hostBlock: 7 }" },
    [/^network rails: 192\.168\.0\.0\/16 would be divided in another way, .* take network rails out/],
  ],
  [
    "a part of the same subnet",
    {},
    { subnet: "192.168.0.0/17" },
    [/^network rails: 192\.168\.0\.0\/16 would be divided in another way, /],
  ],
];
test.each(rows)("no host takes %s", (_title, before, after, says) => {
  const said = exchanges(cluster(before), cluster(after));
  expect(said).toEqual(says.map((text) => expect.stringMatching(text)));
});
