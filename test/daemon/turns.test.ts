import { expect, test } from "vitest";
import { makeTurns, type Turn } from "../../daemon/turns.ts";

const turns = async (count: number) => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
};

/** Two at a time, of seven; the clock stands still unless it is moved. */
function makeRun() {
  const started: number[] = [];
  const ends: (() => void)[] = [];
  const clock = { now: 0 };
  const { take, refusal } = makeTurns({ atWork: 2, jobs: 7, standstill: 100 }, () => clock.now);
  let jobs = 0;
  /** A job that lasts until its end is called. */
  const begin = (work = (_turn: Turn, ended: Promise<void>) => ended) => {
    const job = ++jobs;
    take((turn) => {
      started.push(job);
      return work(turn, new Promise<void>((resolve) => ends.push(resolve)));
    });
  };
  return { started, ends, clock, refusal, begin };
}

test("jobs start in their order, one a turn of the loop, and no more at a time than are let", async () => {
  const { started, ends, begin } = makeRun();
  for (let i = 0; i < 4; i++) begin();
  expect(started).toEqual([]);
  await turns(1);
  expect(started).toEqual([1]);
  await turns(5);
  expect(started).toEqual([1, 2]);
  ends[1]?.();
  await turns(5);
  expect(started).toEqual([1, 2, 3]);
  ends[0]?.();
  ends[2]?.();
  await turns(5);
  expect(started).toEqual([1, 2, 3, 4]);
});

test("a job that waits for others lets the next ones have its turn, and goes on when they are at work", async () => {
  const { started, ends, begin } = makeRun();
  const went: string[] = [];
  for (let i = 0; i < 2; i++)
    begin(async ({ aside }, ended) => {
      went.push(await aside(() => ended.then(() => "on")));
    });
  for (let i = 0; i < 3; i++) begin();
  await turns(10);
  expect(started).toEqual([1, 2, 3, 4]);
  ends[0]?.();
  await turns(5);
  expect(went).toEqual(["on"]);
  expect(started).toEqual([1, 2, 3, 4]);
  for (const end of ends) end();
  await turns(5);
  expect(started).toEqual([1, 2, 3, 4, 5]);
});

test("no job is taken on where all turns are taken and none ends, until one does", async () => {
  const { ends, clock, refusal, begin } = makeRun();
  begin();
  begin();
  await turns(5);
  clock.now = 100;
  expect(refusal()).toBeUndefined();
  clock.now = 101;
  expect(refusal()).toBe("no call at work ends");
  ends[0]?.();
  await turns(5);
  expect(refusal()).toBeUndefined();
});

test("no job is taken on where there are too many, whatever they do", async () => {
  const { ends, refusal, begin } = makeRun();
  for (let i = 0; i < 6; i++) begin(({ aside }, ended) => aside(() => ended));
  await turns(10);
  expect(refusal()).toBeUndefined();
  begin();
  expect(refusal()).toBe("too many calls at work");
  ends[3]?.();
  await turns(5);
  expect(refusal()).toBeUndefined();
});
