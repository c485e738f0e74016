import { describe, expect, test } from "vitest";
import { checkEnvironment, isNetnsOverridden, readEnvironment, splitPath } from "../../../lib/cni/env.ts";

const full = {
  CNI_CONTAINERID: "4f2a-b.c_d",
  CNI_NETNS: "/run/netns/pod",
  CNI_IFNAME: "net1",
  CNI_PATH: "/opt/cni/bin",
};

const check = (env: Record<string, string>) => checkEnvironment(readEnvironment(env));

describe("what a command needs is asked for, all of it at once", () => {
  test.each([
    ["ADD", "CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME,CNI_PATH"],
    ["CHECK", "CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME,CNI_PATH"],
    ["DEL", "CNI_CONTAINERID,CNI_IFNAME"],
    ["GC", "CNI_PATH"],
    ["STATUS", "CNI_PATH"],
  ])("%s with nothing but the command misses %s", (CNI_COMMAND, missing) => {
    expect(() => check({ CNI_COMMAND })).toThrow(
      expect.objectContaining({ code: 4, message: `required env variables [${missing}] missing` }),
    );
  });

  test.each(["ADD", "DEL", "CHECK", "GC", "STATUS"])("%s with everything is let pass", (CNI_COMMAND) => {
    expect(() => check({ ...full, CNI_COMMAND })).not.toThrow();
  });

  test.each(["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH"])(
    "ADD takes an empty %s for a missing one",
    (name) => {
      expect(() => check({ ...full, CNI_COMMAND: "ADD", [name]: "" })).toThrow(`[${name}] missing`);
    },
  );

  test.each(["CNI_NETNS", "CNI_PATH", "CNI_ARGS"])("DEL is served without %s", (name) => {
    expect(() => check({ ...full, CNI_COMMAND: "DEL", [name]: "" })).not.toThrow();
  });

  test("an unknown command needs nothing: it is refused later, by its name", () => {
    expect(() => check({ CNI_COMMAND: "FROB" })).not.toThrow();
  });
});

describe("values that cannot be are refused before what is missing is", () => {
  test.each([
    ["a container id that begins with a dot", { CNI_CONTAINERID: ".a" }, "invalid characters in containerID"],
    ["a container id with a slash", { CNI_CONTAINERID: "a/b" }, "invalid characters in containerID"],
    [
      "a container id with a line feed at its end",
      { CNI_CONTAINERID: "a\n" },
      "invalid characters in containerID",
    ],
    ["a name of 16 bytes", { CNI_IFNAME: "a234567890123456" }, "interface name is too long"],
    ["a name of 8 characters in 16 bytes", { CNI_IFNAME: "éééééééé" }, "interface name is too long"],
    ["the name .", { CNI_IFNAME: "." }, "interface name is . or .."],
    ["the name ..", { CNI_IFNAME: ".." }, "interface name is . or .."],
    ["a name with a slash", { CNI_IFNAME: "a/b" }, "interface name contains / or : or whitespace characters"],
    ["a name with a colon", { CNI_IFNAME: "a:b" }, "interface name contains / or : or whitespace characters"],
    ["a name with a blank", { CNI_IFNAME: "a b" }, "interface name contains / or : or whitespace characters"],
    ["a name with a tab", { CNI_IFNAME: "a\tb" }, "interface name contains / or : or whitespace characters"],
  ])("%s", (_, wrong, message) => {
    const env = { ...full, CNI_COMMAND: "ADD", CNI_PATH: "", ...wrong };
    expect(() => check(env)).toThrow(expect.objectContaining({ code: 4, message }));
  });

  test("the container id is in the details", () => {
    expect(() => check({ ...full, CNI_COMMAND: "ADD", CNI_CONTAINERID: "a b" })).toThrow(
      expect.objectContaining({ details: "a b" }),
    );
  });

  test("a name of 15 bytes is let pass", () => {
    expect(() => check({ ...full, CNI_COMMAND: "ADD", CNI_IFNAME: "a23456789012345" })).not.toThrow();
  });

  test.each(["VERSION", "GC", "STATUS"])(
    "%s does not look at the dummies that callers send",
    (CNI_COMMAND) => {
      expect(() => check({ ...full, CNI_COMMAND, CNI_IFNAME: "a b", CNI_CONTAINERID: "/" })).not.toThrow();
    },
  );
});

test.each([
  ["TRUE", true],
  ["true", true],
  ["1", true],
  ["0", false],
  ["yes", false],
  ["", false],
])("CNI_NETNS_OVERRIDE=%s counts as %s", (value, overridden) => {
  expect(isNetnsOverridden(readEnvironment({ CNI_NETNS_OVERRIDE: value }))).toBe(overridden);
});

test("CNI_PATH is split at its colons, less what is empty", () => {
  expect(splitPath(":/a::/b c:")).toEqual(["/a", "/b c"]);
});
