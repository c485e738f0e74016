import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isAssignable, nextFree } from "../../../lib/ipam/allocator.ts";
import type { Block } from "../../../lib/ipam/blocks.ts";
import type { Range } from "../../../lib/ipam/range.ts";
import { mergeRanges, rangeContaining } from "../../../lib/ipam/range.ts";
import { parseCidr } from "../../../lib/net/address.ts";

function blockOf(first: bigint, last: bigint, excludes: readonly Range[]): Block {
  const vlan = parseCidr("0.0.0.0/24");
  const bounds = { first, last };
  return {
    family: 4,
    interfaceIndex: 0,
    vlan,
    pod: vlan,
    prefix: 24,
    ...bounds,
    excludes: mergeRanges(excludes, bounds),
  };
}

const everything = { first: 0n, last: 1n << 130n };

function occupiedBy(ranges: readonly Range[]) {
  const runs = mergeRanges(ranges, everything);
  return { runContaining: (address: bigint) => rangeContaining(runs, address) };
}

const range = fc
  .tuple(fc.bigInt({ min: 0n, max: 45n }), fc.bigInt({ min: 0n, max: 12n }))
  .map(([first, length]) => ({ first, last: first + length }));
const scene = fc.record({
  excludes: fc.array(range, { maxLength: 4 }),
  taken: fc.array(range, { maxLength: 6 }),
  cursor: fc.option(fc.bigInt({ min: 0n, max: 50n }), { nil: undefined }),
});

describe("nextFree", () => {
  test("gives the first free address after the cursor, as trying each in turn would", () => {
    fc.assert(
      fc.property(scene, ({ excludes, taken, cursor }) => {
        const block = blockOf(10n, 40n, excludes);
        const occupied = occupiedBy(taken);
        const start = cursor !== undefined && cursor >= 10n && cursor <= 40n ? cursor + 1n : 10n;
        const inTurn = Array.from({ length: 31 }, (_, step) => ((start - 10n + BigInt(step)) % 31n) + 10n);
        const expected = inTurn.find(
          (address) => isAssignable(block, address) && occupied.runContaining(address) === undefined,
        );
        expect(nextFree(block, cursor, occupied)).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    ["starts at the first address without a cursor", undefined, [], 10n],
    ["goes on after the cursor", 12n, [], 13n],
    ["wraps after the last address", 20n, [], 10n],
    ["wraps past what is taken at the beginning", 20n, [{ first: 10n, last: 14n }], 15n],
    ["starts over for a cursor of another block", 90n, [], 10n],
    [
      "finds the one free address before the cursor",
      15n,
      [
        { first: 10n, last: 11n },
        { first: 13n, last: 20n },
      ],
      12n,
    ],
    [
      "finds the one free address that is the cursor's",
      15n,
      [
        { first: 10n, last: 14n },
        { first: 16n, last: 20n },
      ],
      15n,
    ],
    ["finds nothing where all is taken", 15n, [{ first: 0n, last: 30n }], undefined],
  ])("%s", (_, cursor, taken, expected) => {
    expect(nextFree(blockOf(10n, 20n, []), cursor, occupiedBy(taken))).toBe(expected);
  });

  test("looks up a run once, however long it is", () => {
    const block = blockOf(1n, (1n << 64n) - 1n, []);
    const occupied = occupiedBy([{ first: 0n, last: 1n << 63n }]);
    let lookups = 0;
    const counted = {
      runContaining(address: bigint) {
        lookups += 1;
        return occupied.runContaining(address);
      },
    };
    expect(nextFree(block, undefined, counted)).toBe((1n << 63n) + 1n);
    expect(lookups).toBe(2);
  });
});
