import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { makeCollector } from "../../daemon/collect.ts";

test.each([
  { title: "not before 300 calls have ended", calls: 299, atWork: 0, collections: 0 },
  { title: "once when 300 have, and none is at work", calls: 300, atWork: 0, collections: 1 },
  { title: "every 300 calls", calls: 1_100, atWork: 0, collections: 3 },
  { title: "later where calls are at work all the time", calls: 2_999, atWork: 1, collections: 0 },
  { title: "at last even then", calls: 3_000, atWork: 1, collections: 1 },
])("garbage is collected $title", async ({ calls, atWork, collections }) => {
  let collected = 0;
  const ended = makeCollector(() => collected++);
  for (let i = 0; i < calls; i++) ended(atWork);
  await setImmediate();
  expect(collected).toBe(collections);
});
