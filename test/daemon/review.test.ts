import { expect, test } from "vitest";
import { reviewOf } from "../../daemon/cluster/review.ts";
import type { Cluster } from "../../lib/cluster/cluster.ts";
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

test("what every host would refuse is said so, beside what it renumbers", () => {
  const { renumbers, exchanges } = reviewOf(cluster(1, 0), cluster(0, 1));
  expect([renumbers.length, exchanges.length]).toEqual([2, 2]);
  expect(reviewOf(cluster(0, 5), cluster(0, 1)).exchanges).toEqual([]);
});

const turned = "\n  - { name: h0, index: 0, addresses: [10.2.0.1, 10.1.0.1] }";
const straight = turned.replace("10.2.0.1, 10.1.0.1", "10.1.0.1, 10.2.0.1");
test("a host whose NICs have each other's numbers is renumbered", () => {
  const [before, after] = [straight, turned].map((text) => parseCluster(clusterFile({ hosts: text })));
  expect(reviewOf(after as Cluster, before).renumbers).toEqual([
    "host h0, network rails, NIC 0: 10.1.0.1 becomes 10.2.0.1",
    "host h0, network rails, NIC 1: 10.2.0.1 becomes 10.1.0.1",
  ]);
});

test("a network that has no room for another host says so", () => {
  const full = clusterFile({ ipam: "{ interfaceBlock: 2, hostBlock: 1 }", hosts: hosts(0, 1) });
  expect(reviewOf(parseCluster(full)).capacity).toEqual([
    "rails: 2 of 2 hosts, 1 of 4 NICs; FULL: no host can be added",
  ]);
  expect(reviewOf(cluster(0, 1)).capacity).toEqual(["rails: 2 of 64 hosts, 1 of 4 NICs"]);
});
