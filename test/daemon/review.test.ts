import { expect, test } from "vitest";
import { reviewOf } from "../../daemon/cluster/review.ts";
import { parseCluster } from "../../lib/cluster/parse.ts";
import { clusterFile } from "../lib/cluster/cluster-file.ts";

const hosts = (...indexes: readonly number[]) =>
  indexes.map((index, i) => `\n  - { name: h${i}, index: ${index}, addresses: [10.1.0.${i + 1}] }`).join("");
const cluster = (...indexes: readonly number[]) => parseCluster(clusterFile({ hosts: hosts(...indexes) }));

test("a host with another index is renumbered, one that goes too, a new one not", () => {
  expect(reviewOf(cluster(0, 1), cluster(0, 1)).renumbers).toEqual([]);
  expect(reviewOf(cluster(0, 1, 2), cluster(0, 1)).renumbers).toEqual([]);
  expect(reviewOf(cluster(0, 5), cluster(0, 1)).renumbers).toEqual([
    "host h1, network rails, NIC 0: 192.168.1.0/24 becomes 192.168.5.0/24",
  ]);
  expect(reviewOf(cluster(0), cluster(0, 1)).renumbers).toEqual([
    "host h1, network rails, NIC 0: 192.168.1.0/24 becomes nothing",
  ]);
});

test("a network that has no room for another host says so", () => {
  const full = clusterFile({ ipam: "{ interfaceBlock: 2, hostBlock: 1 }", hosts: hosts(0, 1) });
  expect(reviewOf(parseCluster(full)).capacity).toEqual([
    "rails: 2 of 2 hosts, 1 of 4 NICs; FULL: no host can be added",
  ]);
  expect(reviewOf(cluster(0, 1)).capacity).toEqual(["rails: 2 of 64 hosts, 1 of 4 NICs"]);
});
