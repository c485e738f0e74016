import { expect, test } from "vitest";
import { settled } from "../../../daemon/cluster/settled.ts";

const rows: readonly (readonly [title: string, looks: readonly string[], found: string, left: number])[] = [
  ["what does not change, by the second look", ["a", "a", "b"], "a", 1],
  ["what is written in one step, by the third", ["a", "b", "b"], "b", 0],
  ["no half of what is written in several", ["", "a", "ab", "abc", "abc"], "abc", 0],
  ["what comes back", ["a", "", "a", "a"], "a", 0],
];
test.each(rows)("finds %s", async (_title, looks, found, left) => {
  const [first = "", ...texts] = looks;
  let waits = 0;
  const wait = async () => void waits++;
  expect(await settled(first, () => texts.shift() ?? "no more", wait)).toBe(found);
  expect([texts.length, waits]).toEqual([left, looks.length - left - 1]);
});

test("ends as a look does that fails, or the wait", async () => {
  const failing = () => {
    throw new Error("no such file");
  };
  await expect(settled("", failing, async () => {})).rejects.toThrow("no such file");
  await expect(
    settled(
      "a",
      () => "a",
      () => Promise.reject(new Error("aborted")),
    ),
  ).rejects.toThrow("aborted");
});
