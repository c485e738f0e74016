import { expect, test } from "vitest";
import { AddonError, loadAddon } from "../../../lib/linux/addon.ts";

test("an addon that was not built is an error that says how to build it", () => {
  expect(() => loadAddon("nothing")).toThrow(AddonError);
  expect(() => loadAddon("nothing")).toThrow(
    new RegExp(
      `build/native/nothing-${process.arch}\\.node is missing; build it: scripts/build-native\\.sh$`,
    ),
  );
});
