import { expect, test } from "vitest";
import { neighbourPace } from "../../concheck/pace.ts";

test.each([
  ["few probes take no time", 512, undefined],
  ["more than half the table do, and it says how long and what helps", 9900, "9900 probes take 967 s"],
])("%s", (_, probes, why) => {
  expect(neighbourPace(probes, 1024).why?.slice(0, why?.length)).toBe(why);
});
