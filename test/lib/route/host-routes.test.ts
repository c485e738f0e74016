import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatCidr, parseAddress, parseCidr } from "../../../lib/net/address.ts";
import type { Route } from "../../../lib/netlink/message/route.ts";
import type { Rule } from "../../../lib/netlink/message/rule.ts";
import { diffRoutes, diffRules, hostProtocol, rulesOf, tableOf } from "../../../lib/route/host-routes.ts";

const route = (dst: string, via: string, oif = 1, table = 7): Route => ({
  dst: parseCidr(dst),
  gateway: parseAddress(via),
  oif,
  table,
  protocol: hostProtocol,
});
const keyOf = ({ table, dst }: Route) => `${table} ${formatCidr(dst)}`;

/** What a kernel would have after the difference was carried out. */
function carriedOut(actual: readonly Route[], wanted: readonly Route[]): Route[] {
  const { add, replace, remove } = diffRoutes(wanted, actual);
  const gone = new Set(remove);
  const kept = actual.filter(
    (each) => !gone.has(each) && !replace.some((other) => keyOf(other) === keyOf(each)),
  );
  return [...kept, ...replace, ...add];
}

describe("the difference of routes", () => {
  const there = route("192.168.1.0/24", "10.1.0.2");
  test("is nothing where all is right, whatever the kernel adds to a route", () => {
    expect(diffRoutes([there], [{ ...there, priority: 1024, scope: 0 }])).toEqual({
      add: [],
      replace: [],
      remove: [],
    });
  });
  test("is a replacement where a route leads elsewhere", () => {
    const elsewhere = route("192.168.1.0/24", "10.1.0.9");
    expect(diffRoutes([there], [elsewhere])).toEqual({ add: [], replace: [there], remove: [] });
    expect(diffRoutes([there], [{ ...there, oif: 2 }])).toMatchObject({ replace: [there] });
  });
  test("takes away what nobody wants, in any table", () => {
    const old = route("192.168.1.0/24", "10.1.0.2", 1, 8);
    expect(diffRoutes([there], [there, old])).toEqual({ add: [], replace: [], remove: [old] });
  });
  test("takes away the second of two to one destination", () => {
    const second = { ...there, priority: 5 };
    expect(diffRoutes([there], [there, second])).toEqual({ add: [], replace: [], remove: [second] });
  });

  const routes = fc.uniqueArray(
    fc
      .record({
        block: fc.nat({ max: 20 }),
        via: fc.integer({ min: 1, max: 4 }),
        oif: fc.integer({ min: 1, max: 3 }),
        table: fc.constantFrom(7, 8),
      })
      .map(({ block, via, oif, table }) => route(`192.168.${block}.0/24`, `10.0.0.${via}`, oif, table)),
    { selector: keyOf },
  );
  test("carried out reaches what is wanted, and then there is none", () => {
    fc.assert(
      fc.property(routes, routes, (wanted, actual) => {
        const reached = carriedOut(actual, wanted);
        const sorted = (all: readonly Route[]) => [...all].sort((a, b) => keyOf(a).localeCompare(keyOf(b)));
        expect(sorted(reached)).toEqual(sorted(wanted));
        expect(diffRoutes(wanted, reached)).toEqual({ add: [], replace: [], remove: [] });
      }),
    );
  });
  test("touches nothing that is right", () => {
    fc.assert(
      fc.property(routes, routes, (wanted, actual) => {
        const { add, replace, remove } = diffRoutes(wanted, actual);
        const right = actual.filter((each) =>
          wanted.some((other) => JSON.stringify(text(other)) === JSON.stringify(text(each))),
        );
        const touched = new Set([...add, ...replace, ...remove].map(keyOf));
        expect(right.filter((each) => touched.has(keyOf(each)))).toEqual([]);
      }),
    );
  });
  const text = ({ gateway, oif, ...each }: Route) => [keyOf(each as Route), String(gateway?.value), oif];
});

test("the difference of rules adds what is lacking and takes away the rest of ours", () => {
  const [rule] = rulesOf("n", [parseCidr("192.168.0.0/16")]) as [Rule];
  const old = { ...rule, table: 9 };
  expect(diffRules([rule], [rule])).toEqual({ add: [], remove: [] });
  expect(diffRules([rule], [old])).toEqual({ add: [rule], remove: [old] });
});

test("a network's table is its own, and none that an administrator or a pod has", () => {
  const tables = Array.from({ length: 1000 }, (_, i) => tableOf(`network-${i}`));
  expect(new Set(tables).size).toBe(1000);
  for (const table of tables) {
    expect(table).toBeGreaterThanOrEqual(2 ** 29);
    expect(table).toBeLessThan(2 ** 30);
  }
});
