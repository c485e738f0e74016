import fc from "fast-check";
import { expect, test } from "vitest";
import { gapsBetween, mergeRanges, rangeContaining, sizeOf } from "../../../lib/ipam/range.ts";

const bounds = { first: 10n, last: 60n };
const range = fc
  .tuple(fc.bigInt({ min: 0n, max: 70n }), fc.bigInt({ min: 0n, max: 20n }))
  .map(([first, length]) => ({ first, last: first + length }));

test("merged ranges and their gaps hold each address of the bounds once, as the ranges say", () => {
  fc.assert(
    fc.property(fc.array(range, { maxLength: 8 }), (ranges) => {
      const merged = mergeRanges(ranges, bounds);
      const gaps = gapsBetween(merged, bounds);
      for (let address = bounds.first; address <= bounds.last; address++) {
        const held = ranges.some(({ first, last }) => first <= address && address <= last);
        expect(rangeContaining(merged, address) !== undefined).toBe(held);
        expect(rangeContaining(gaps, address) !== undefined).toBe(!held);
      }
      expect(sizeOf(merged) + sizeOf(gaps)).toBe(51n);
    }),
  );
});

test("ranges that touch become one", () => {
  const touching = [
    { first: 30n, last: 39n },
    { first: 20n, last: 29n },
  ];
  expect(mergeRanges(touching, bounds)).toEqual([{ first: 20n, last: 39n }]);
});
