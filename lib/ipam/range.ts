import type { Cidr } from "../net/address.ts";
import { firstOf, lastOf } from "../net/address.ts";

/** Addresses from `first` to `last`, both included. */
export interface Range {
  readonly first: bigint;
  readonly last: bigint;
}

export function rangeOf(cidr: Cidr): Range {
  return { first: firstOf(cidr), last: lastOf(cidr) };
}

/** The same addresses, within `bounds` only, as sorted ranges with a gap between any two. */
export function mergeRanges(ranges: readonly Range[], bounds: Range): Range[] {
  const sorted = ranges
    .map((range) => clip(range, bounds))
    .filter((range) => range.first <= range.last)
    .sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0));
  const merged: Range[] = [];
  for (const range of sorted) {
    const before = merged.at(-1);
    if (before === undefined || range.first > before.last + 1n) merged.push(range);
    else merged[merged.length - 1] = { first: before.first, last: max(before.last, range.last) };
  }
  return merged;
}

/** The range that holds the address, of ranges as mergeRanges gives them: a binary search. */
export function rangeContaining(ranges: readonly Range[], address: bigint): Range | undefined {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const range = ranges[middle];
    if (range === undefined) return undefined;
    if (range.last < address) low = middle + 1;
    else if (range.first > address) high = middle;
    else return range;
  }
  return undefined;
}

/** What `bounds` has beyond the ranges, which are as mergeRanges gives them. */
export function gapsBetween(ranges: readonly Range[], bounds: Range): Range[] {
  const gaps: Range[] = [];
  let next = bounds.first;
  for (const range of ranges) {
    if (next < range.first) gaps.push({ first: next, last: range.first - 1n });
    next = range.last + 1n;
  }
  if (next <= bounds.last) gaps.push({ first: next, last: bounds.last });
  return gaps;
}

export function sizeOf(ranges: readonly Range[]): bigint {
  return ranges.reduce((sum, range) => sum + range.last - range.first + 1n, 0n);
}

function clip(range: Range, bounds: Range): Range {
  return {
    first: max(range.first, bounds.first),
    last: min(range.last, bounds.last),
  };
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
