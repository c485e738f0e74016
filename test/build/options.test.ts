import { describe, expect, it } from "vitest";
import { parseOptions } from "../../scripts/build/options.ts";

const defaults = { help: false, architecture: undefined, out: "/project/dist" };

describe("the options of build.sh", () => {
  it.each([
    { name: "none: everything, into the project's dist", args: [], options: defaults },
    { name: "one architecture", args: ["--arch", "arm64"], options: { ...defaults, architecture: "arm64" } },
    {
      name: "a folder relative to the caller's",
      args: ["--out", "here"],
      options: { ...defaults, out: "/cwd/here" },
    },
    { name: "an absolute folder", args: ["--out=/x"], options: { ...defaults, out: "/x" } },
    { name: "help", args: ["--help"], options: { ...defaults, help: true } },
  ])("takes $name", ({ args, options }) => {
    expect(parseOptions(args, "/project", "/cwd")).toEqual(options);
  });

  it.each([
    { name: "an architecture there is no Node for", args: ["--arch", "mips"], says: /"mips".*x64, arm64/ },
    { name: "an unknown option", args: ["--fast"], says: /--fast/ },
    { name: "an argument", args: ["x64"], says: /x64/ },
  ])("refuses $name", ({ args, says }) => {
    expect(() => parseOptions(args, "/project", "/cwd")).toThrow(says);
  });
});
