import { expect, test } from "vitest";
import { cutText } from "../../../lib/cni/cut-text.ts";

test.each<[title: string, text: string, cut: string]>([
  ["a text that is short enough stays as it is", "12345678", "12345678"],
  ["one character more is cut in the middle", "123456789", "123456… (1 characters left out) …89"],
  ["a pair is not halved at the beginning", "12345😀789", "12345… (3 characters left out) …89"],
  ["a pair is not halved at the end", "1234567😀9", "123456… (1 characters left out) …😀9"],
  ["lone surrogates are characters", "12345\ud83d789", "12345\ud83d… (1 characters left out) …89"],
  ["nothing is nothing", "", ""],
])("%s", (_, text, cut) => {
  expect(cutText(text, 8)).toBe(cut);
});
