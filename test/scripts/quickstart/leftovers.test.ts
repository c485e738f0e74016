import { expect, test } from "vitest";
import { leftBehind } from "../../../scripts/quickstart/leftovers.ts";

test("left behind is what was not there before, and not what went", () => {
  expect(leftBehind(new Set(["link lo", "link old"]), new Set(["link lo", "link net1-0"]))).toEqual([
    "link net1-0",
  ]);
});
