import { expect, test } from "vitest";
import { processWide } from "../../../lib/linux/process-wide.ts";

test("a second copy of a module gets the value that the first one made", () => {
  const first = processWide("test", () => ({ count: 1 }));
  expect(processWide("test", () => ({ count: 2 }))).toBe(first);
});

test("values of other names are others", () => {
  expect(processWide("test.a", () => ({}))).not.toBe(processWide("test.b", () => ({})));
});
