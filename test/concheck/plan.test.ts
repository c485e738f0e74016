import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { planProbes, sourceFor } from "../../concheck/plan.ts";
import type { Pod } from "../../concheck/pod.ts";
import { parseCidr } from "../../lib/net/address.ts";

const at = (nic: number, cidr: string) => ({ nic, cidr: parseCidr(cidr) });
const pod = (name: string, ...addresses: readonly string[]): Pod => ({
  name,
  netns: `/run/netns/${name}`,
  addresses: addresses.map((cidr, nic) => at(nic, cidr)),
});

describe("which address asks", () => {
  test.each([
    {
      title: "one in the target's network, though its place is another",
      own: ["10.1.0.1/24", "10.2.0.1/24"],
      target: at(0, "10.2.0.9/24"),
      source: "10.2.0.1",
    },
    {
      title: "among several in the target's network, that of the same place",
      own: ["10.0.1.1/16", "10.0.2.1/16"],
      target: at(1, "10.0.2.9/16"),
      source: "10.0.2.1",
    },
    {
      title: "without prefix lengths, that of the same place",
      own: ["10.1.0.1/32", "10.2.0.1/32"],
      target: at(1, "10.9.0.9/32"),
      source: "10.2.0.1",
    },
    {
      title: "where the place has none, the first of the family",
      own: ["fd00::1/64", "10.2.0.1/24"],
      target: at(5, "10.9.0.9/24"),
      source: "10.2.0.1",
    },
    { title: "none of another family", own: ["fd00::1/64"], target: at(0, "10.0.0.1/24"), source: undefined },
    { title: "none where there is none", own: [], target: at(0, "10.0.0.1/24"), source: undefined },
  ])("$title", ({ own, target, source }) => {
    expect(sourceFor(target, pod("a", ...own).addresses)).toBe(source);
  });
});

test("an address that another pod has too is known by it", () => {
  const pods = [pod("a", "10.1.0.1/24"), pod("b", "10.1.0.2/24"), pod("c", "10.1.0.2/16")];
  expect(planProbes(pods).map(({ to, target, twin }) => [to.name, target, twin?.name])).toEqual([
    ["b", "10.1.0.2", "c"],
    ["a", "10.1.0.1", undefined],
    ["c", "10.1.0.2", "b"],
    ["a", "10.1.0.1", undefined],
    ["c", "10.1.0.2", "b"],
    ["b", "10.1.0.2", "c"],
  ]);
});

test("every ordered pair and every address of the second is asked once", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 8 }), (counts) => {
      const pods = counts.map((count, place) =>
        pod(`p${place}`, ...Array.from({ length: count }, (_, nic) => `10.${nic}.0.${place + 1}/24`)),
      );
      const asked = planProbes(pods).map(({ from, to, target }) => `${from.name} ${to.name} ${target}`);
      const sum = counts.reduce((all, count) => all + count, 0);
      expect(asked).toHaveLength(sum * Math.max(0, counts.length - 1));
      expect(new Set(asked).size).toBe(asked.length);
    }),
  );
});
