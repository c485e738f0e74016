import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { makeCollector } from "../../daemon/collect.ts";

test.each([
  { title: "not before 1,000 calls have ended", calls: 999, atWork: 0, collections: 0 },
  { title: "once when 1,000 have, and none is at work", calls: 1_000, atWork: 0, collections: 1 },
  { title: "every 1,000 calls", calls: 3_400, atWork: 0, collections: 3 },
  { title: "later where calls are at work all the time", calls: 9_999, atWork: 1, collections: 0 },
  { title: "at last even then", calls: 10_000, atWork: 1, collections: 1 },
])("garbage is collected $title", async ({ calls, atWork, collections }) => {
  let collected = 0;
  const ended = makeCollector(() => collected++);
  for (let i = 0; i < calls; i++) ended(atWork);
  await setImmediate();
  expect(collected).toBe(collections);
});
