import type { Block } from "./blocks.ts";
import type { Range } from "./range.ts";
import { rangeContaining } from "./range.ts";

/** What of a family is not free: leased, or cooling down. */
export interface Occupied {
  /** The longest run of occupied addresses around this one; undefined when it is free. */
  runContaining(address: bigint): Range | undefined;
}

/**
 * The next free address of the block after `cursor` (the last one handed out), wrapping once; undefined when
 * there is none. Runs and excludes are jumped over whole, so what it costs does not grow with the leases.
 */
export function nextFree(block: Block, cursor: bigint | undefined, occupied: Occupied): bigint | undefined {
  const start =
    cursor !== undefined && cursor >= block.first && cursor < block.last ? cursor + 1n : block.first;
  return (
    firstFree(block, { first: start, last: block.last }, occupied) ??
    firstFree(block, { first: block.first, last: start - 1n }, occupied)
  );
}

function firstFree(block: Block, within: Range, occupied: Occupied): bigint | undefined {
  let address = within.first;
  while (address <= within.last) {
    const taken = rangeContaining(block.excludes, address) ?? occupied.runContaining(address);
    if (taken === undefined) return address;
    address = taken.last + 1n;
  }
  return undefined;
}

/** Whether the block may hand this address out at all, taken or not. */
export function isAssignable(block: Block, address: bigint): boolean {
  return (
    block.first <= address && address <= block.last && rangeContaining(block.excludes, address) === undefined
  );
}
