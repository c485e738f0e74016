import { describe, expect, test } from "vitest";
import { compareNames } from "../../../lib/nic/nic.ts";

const rows: [title: string, names: string[], sorted: string[]][] = [
  ["numbers compare as numbers", ["eth10", "eth2", "eth1"], ["eth1", "eth2", "eth10"]],
  [
    "each number of a name counts",
    ["enp2s0f10", "enp2s0f2", "enp1s0f11"],
    ["enp1s0f11", "enp2s0f2", "enp2s0f10"],
  ],
  ["a shorter name comes first", ["eth0v1", "eth0"], ["eth0", "eth0v1"]],
  ["letters come by their codes", ["ib0", "eth0", "Eth0"], ["Eth0", "eth0", "ib0"]],
  ["names of one value still have an order", ["eth1", "eth01"], ["eth01", "eth1"]],
];

describe("compareNames", () => {
  test.each(rows)("%s", (_title, names, sorted) => {
    expect([...names].sort(compareNames)).toEqual(sorted);
    expect([...names].reverse().sort(compareNames)).toEqual(sorted);
  });
});
