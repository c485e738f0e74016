import { isDeepStrictEqual } from "node:util";
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

/** As the kernel says it */
const ordinary = (each: Route): Route => (each.dst.address.family === 6 ? { ...each, priority: 1024 } : each);
const usualPriority = ({ dst }: Route) => (dst.address.family === 6 ? 1024 : undefined);

/** What a kernel would have after the difference was carried out: a replacement takes the place of one of its priority. */
function carriedOut(actual: readonly Route[], wanted: readonly Route[]): Route[] {
  const { add, replace, remove } = diffRoutes(wanted, actual);
  const gone = new Set(remove);
  const replaced = new Set(replace.map((each) => `${keyOf(each)} ${usualPriority(each)}`));
  const kept = actual.filter((each) => !gone.has(each) && !replaced.has(`${keyOf(each)} ${each.priority}`));
  return [...kept, ...[...replace, ...add].map((each) => ordinary(each))];
}

describe("the difference of routes", () => {
  const there = route("192.168.1.0/24", "10.1.0.2");
  test("is nothing where all is right, whatever the kernel adds to a route", () => {
    const nothing = { add: [], replace: [], remove: [] };
    expect(diffRoutes([there], [{ ...there, scope: 0 }])).toEqual(nothing);
    const there6 = route("fd10::/56", "fd01::2");
    expect(diffRoutes([there6], [{ ...there6, priority: 1024, scope: 0 }])).toEqual(nothing);
  });
  test("is a replacement where a route leads elsewhere", () => {
    const elsewhere = route("192.168.1.0/24", "10.1.0.9");
    expect(diffRoutes([there], [elsewhere])).toEqual({ add: [], replace: [there], remove: [] });
    expect(diffRoutes([there], [{ ...there, oif: 2 }])).toMatchObject({ replace: [there] });
  });
  test.each<[string, Partial<Route>]>([
    ["an MTU", { mtu: 600 }],
    ["an advertised MSS", { advmss: 500 }],
    ["another metric of the kernel's", { otherMetrics: true }],
    ["a source address", { src: parseAddress("10.1.0.7") }],
    ["several next hops", { multipath: [] }],
  ])("is a replacement where somebody gave a route %s", (_title, more) => {
    expect(diffRoutes([there], [{ ...there, ...more }])).toEqual({ add: [], replace: [there], remove: [] });
  });
  test.each([
    ["IPv4", there, 1024],
    ["IPv6", route("fd10::/56", "fd01::2"), 5],
  ])(
    "makes one of %s that has another priority anew, whichever the kernel says first",
    (_title, each, priority) => {
      const other = { ...each, priority };
      const usual = each.dst.address.family === 6 ? { ...each, priority: 1024 } : each;
      expect(diffRoutes([each], [other])).toEqual({ add: [each], replace: [], remove: [other] });
      const both = { add: [], replace: [], remove: [other] };
      expect(diffRoutes([each], [other, usual])).toEqual(both);
      expect(diffRoutes([each], [usual, other])).toEqual(both);
    },
  );
  test("takes away what nobody wants, in any table", () => {
    const old = route("192.168.1.0/24", "10.1.0.2", 1, 8);
    expect(diffRoutes([there], [there, old])).toEqual({ add: [], replace: [], remove: [old] });
  });
  test("takes away the second of two to one destination", () => {
    const second = { ...there, priority: 5 };
    expect(diffRoutes([there], [there, second])).toEqual({ add: [], replace: [], remove: [second] });
  });

  /** Of both families at once, in two tables. */
  const place = fc.record({
    family: fc.constantFrom<4 | 6>(4, 6),
    block: fc.nat({ max: 10 }),
    via: fc.integer({ min: 1, max: 3 }),
    oif: fc.integer({ min: 1, max: 2 }),
    table: fc.constantFrom(7, 8),
  });
  const wished = place.map(({ family, block, via, oif, table }) =>
    family === 4
      ? route(`192.168.${block}.0/24`, `10.0.0.${via}`, oif, table)
      : route(`fd10:0:0:${block}00::/56`, `fd01::${via}`, oif, table),
  );
  /** As the kernel says them, and as others may have changed them. */
  const found = fc
    .tuple(
      wished,
      fc.option(fc.constantFrom<Partial<Route>>({ mtu: 600 }, { otherMetrics: true }, { priority: 5 }), {
        nil: {},
      }),
    )
    .map(([each, more]) => ({ ...ordinary(each), ...more }));
  const wantedRoutes = fc.uniqueArray(wished, { selector: keyOf });
  const foundRoutes = fc.uniqueArray(found, { selector: (each) => `${keyOf(each)} ${each.priority}` });
  const sorted = (all: readonly Route[]) =>
    all.map(ordinary).sort((a, b) => keyOf(a).localeCompare(keyOf(b)) || (a.oif ?? 0) - (b.oif ?? 0));

  test("carried out reaches what is wanted, and then there is none", () => {
    fc.assert(
      fc.property(wantedRoutes, foundRoutes, (wanted, actual) => {
        const reached = carriedOut(actual, wanted);
        expect(sorted(reached)).toEqual(sorted(wanted));
        expect(diffRoutes(wanted, reached)).toEqual({ add: [], replace: [], remove: [] });
      }),
    );
  });
  test("touches nothing that is right", () => {
    fc.assert(
      fc.property(wantedRoutes, foundRoutes, (wanted, actual) => {
        const { add, replace, remove } = diffRoutes(wanted, actual);
        const right = actual.filter((each) =>
          wanted.some((other) => isDeepStrictEqual(ordinary(other), each)),
        );
        const changed = new Set([...add, ...replace].map(keyOf));
        expect(right.filter((each) => changed.has(keyOf(each)) || remove.includes(each))).toEqual([]);
      }),
    );
  });
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
