import { expect, test } from "vitest";
import { makeTurns } from "../../daemon/turns.ts";

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("jobs start in their order, one a turn of the loop, and no more at a time than are let", async () => {
  const inTurn = makeTurns(2);
  const started: number[] = [];
  const ends: (() => void)[] = [];
  for (const job of [1, 2, 3, 4])
    inTurn(() => {
      started.push(job);
      return new Promise((resolve) => ends.push(resolve));
    });
  expect(started).toEqual([]);
  await turn();
  expect(started).toEqual([1]);
  for (let i = 0; i < 5; i++) await turn();
  expect(started).toEqual([1, 2]);
  ends[1]?.();
  for (let i = 0; i < 5; i++) await turn();
  expect(started).toEqual([1, 2, 3]);
  ends[0]?.();
  ends[2]?.();
  for (let i = 0; i < 5; i++) await turn();
  expect(started).toEqual([1, 2, 3, 4]);
});
