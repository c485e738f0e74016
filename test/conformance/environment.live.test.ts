import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { each, env, plugins, rawCall, rawError, strict, text } from "./raw-call.ts";

/* The environment of a call, by topics of the tests of the reference's skel; each row is one call of an executable. */

describe.concurrent("what a verb needs is missed all at once", () => {
  const none = { CNI_CONTAINERID: "", CNI_NETNS: undefined, CNI_IFNAME: "", CNI_PATH: undefined };
  const needed = {
    ADD: "CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME,CNI_PATH",
    CHECK: "CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME,CNI_PATH",
    DEL: "CNI_CONTAINERID,CNI_IFNAME",
    GC: "CNI_PATH",
    STATUS: "CNI_PATH",
  } as const;
  const all = each(strict, Object.entries(needed));
  test.each([...all, ["infra-dpu-cni", "ADD", needed.ADD] as const])(
    "%s %s needs %s",
    async (name, verb, names) => {
      const error = await rawError(name, env(verb, none), text());
      expect(error).toMatchObject({ code: 4, msg: `required env variables [${names}] missing` });
    },
  );

  const single = ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH"];
  test.each(
    each(
      plugins,
      single.map((variable) => [variable] as const),
    ),
  )("%s ADD without %s alone says so", async (name, variable) => {
    const error = await rawError(name, env("ADD", { [variable]: "" }), text());
    expect(error).toMatchObject({ code: 4, msg: `required env variables [${variable}] missing` });
  });
});

describe.concurrent("what a verb does not need may be missing", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "protocol-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const optional: readonly (readonly [string, readonly string[]])[] = [
    ["DEL", ["CNI_NETNS", "CNI_ARGS", "CNI_PATH"]],
    ["GC", ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_ARGS"]],
  ];
  const rows = each(
    strict,
    optional.flatMap(([verb, names]) => names.map((name) => [verb, name] as const)),
  );
  test.each(rows)("%s %s is served without %s", async (name, verb, variable) => {
    const state = { MULTI_NIC_CNI_STATE_DIR: join(folder, "state") };
    const { exitCode, stdout } = await rawCall(
      name,
      { ...env(verb, { [variable]: undefined }), ...state },
      text(),
    );
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "" });
  });

  test.each(plugins)("%s ADD without CNI_ARGS is refused for another reason", async (name) => {
    const error = await rawError(name, env("ADD", { CNI_ARGS: undefined }), text());
    expect(error.code).not.toBe(4);
  });
});

describe.concurrent("a value that cannot be is refused, before what is missing", () => {
  const long = "interface name is too long";
  const characters = "interface name contains / or : or whitespace characters";
  const values: readonly (readonly [string, string, string])[] = [
    ["CNI_CONTAINERID", "_starts-badly", "invalid characters in containerID"],
    ["CNI_CONTAINERID", "../escapes", "invalid characters in containerID"],
    ["CNI_CONTAINERID", "with blank", "invalid characters in containerID"],
    ["CNI_IFNAME", "sixteen-letters-", long],
    ["CNI_IFNAME", ".", "interface name is . or .."],
    ["CNI_IFNAME", "..", "interface name is . or .."],
    ["CNI_IFNAME", "a/b", characters],
    ["CNI_IFNAME", "a:b", characters],
    ["CNI_IFNAME", "a b", characters],
    ["CNI_IFNAME", "a\tb", characters],
  ];
  test.each(each(strict, values))("%s: %s %j", async (name, variable, value, msg) => {
    for (const verb of ["ADD", "DEL", "CHECK"]) {
      const changed = { CNI_PATH: undefined, [variable]: value };
      expect(await rawError(name, env(verb, changed), text())).toMatchObject({ code: 4, msg });
    }
  });

  test.each(plugins)("%s: 15 letters are not too long", async (name) => {
    const error = await rawError(name, env("ADD", { CNI_IFNAME: "fifteen-letters" }), text());
    expect(error.msg).not.toBe(long);
  });
});
