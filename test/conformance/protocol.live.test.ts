import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bin } from "../live/plugin.ts";
import { type PluginName, plugins, rawCall, rawError, strict, text, versions, wholeEnv } from "./raw-call.ts";

/* The protocol, by topics of the tests of the reference's skel; each row is one call of an executable. */

const env = (CNI_COMMAND: string, changed: Readonly<Record<string, string | undefined>> = {}) => ({
  ...wholeEnv,
  CNI_COMMAND,
  ...changed,
});
/** Rows for each plugin they apply to. */
const each = <Row extends readonly unknown[]>(names: readonly PluginName[], rows: readonly Row[]) =>
  names.flatMap((name) => rows.map((row) => [name, ...row] as const));

describe("environment: what a verb needs is missed all at once", () => {
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

describe("environment: what a verb does not need may be missing", () => {
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

describe("environment: a value that cannot be is refused, before what is missing", () => {
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

describe("configuration: what is no network is refused", () => {
  const rows: readonly (readonly [string, string, object])[] = [
    ["nothing on stdin", "", { code: 6 }],
    ["no JSON", "{", { code: 6 }],
    ["a list", "[]", { code: 6 }],
    ["a second document", `${text()}${text()}`, { code: 6 }],
    ["a cniVersion that is no text", text({ cniVersion: 1 }), { code: 6 }],
    ["no name", text({ name: undefined as never }), { code: 7, msg: "missing network name" }],
    ["an empty name", text({ name: "" }), { code: 7, msg: "missing network name" }],
    [
      "a name with a slash",
      text({ name: "a/b" }),
      { code: 7, msg: "invalid characters found in network name" },
    ],
    ["a name that begins with a dot", text({ name: "..n" }), { code: 7 }],
    [
      "a version from the future",
      text({ cniVersion: "4.3.2" }),
      { code: 1, msg: "incompatible CNI versions" },
    ],
  ];
  // infra-dpu-cni refuses with its own words where there is no configuration at all.
  const added = [...each(strict, rows.slice(0, 1)), ...each(plugins, rows.slice(1))];
  test.each(added)("%s ADD: %s", async (name, _, input, error) => {
    expect(await rawError(name, env("ADD"), input)).toMatchObject(error);
  });

  test.each(each(strict, rows.slice(0, 9)))("%s DEL: %s", async (name, _, input, error) => {
    expect(await rawError(name, env("DEL"), input)).toMatchObject(error);
  });

  test.each(plugins)("%s: stdin that cannot be read is an I/O error", (name) => {
    const folder = openSync("/", "r");
    try {
      const { status, stdout, stderr } = spawnSync(join(bin, name), {
        env: { ...env("ADD"), MULTI_NIC_CNI_LOG_FILE: "off" },
        stdio: [folder, "pipe", "pipe"],
        encoding: "utf8",
      });
      expect({ status, stderr }).toEqual({ status: 1, stderr: "" });
      expect(JSON.parse(stdout)).toMatchObject({ code: 5 });
    } finally {
      closeSync(folder);
    }
  });
});

describe("verbs", () => {
  test.each(each(plugins, [["FROB"], ["add"], ["VERSIONS"]] as const))(
    "%s: %s is unknown",
    async (name, verb) => {
      expect(await rawError(name, env(verb), text())).toMatchObject({
        code: 4,
        msg: `unknown CNI_COMMAND: ${verb}`,
      });
    },
  );

  const tooOld = [
    ...(["0.1.0", "0.2.0", "0.3.0", "0.3.1"] as const).map((version) => ["CHECK", version] as const),
    ...versions.slice(0, 6).flatMap((version) => [["GC", version] as const, ["STATUS", version] as const]),
  ];
  test.each(each(strict, tooOld))("%s %s is none of %s", async (name, verb, cniVersion) => {
    expect(await rawError(name, env(verb), text({ cniVersion }))).toMatchObject({
      cniVersion,
      code: 1,
      msg: `config version does not allow ${verb}`,
    });
  });

  test.each(plugins)("%s without any says what it is on stderr", async (name) => {
    const { exitCode, stdout, stderr } = await rawCall(name, {}, "");
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "" });
    expect(stderr).toMatch(
      new RegExp(`^${name} .*\\nCNI protocol versions supported: 0\\.1\\.0.* 1\\.1\\.0\\n?$`),
    );
  });
});

describe("errors", () => {
  test.each(
    each(
      plugins,
      versions.map((version) => [version] as const),
    ),
  )(
    "%s: an error is an object of the configuration's version, %s, on stdout alone",
    async (name, cniVersion) => {
      const error = await rawError(name, env("ADD"), text({ cniVersion }));
      expect(error).toMatchObject({ cniVersion, code: expect.any(Number), msg: expect.stringMatching(/./) });
      expect(
        Object.keys(error).filter((key) => !["cniVersion", "code", "msg", "details"].includes(key)),
      ).toEqual([]);
    },
  );

  test.each(plugins)("%s: before there is a version, it is of the newest", async (name) => {
    expect(await rawError(name, env("ADD"), "{")).toMatchObject({ cniVersion: "1.1.0", code: 6 });
  });
});

describe("VERSION", () => {
  const rows: readonly (readonly [string, string, string])[] = [
    ["nothing", "", "1.1.0"],
    ["no JSON", "what?", "1.1.0"],
    ["a version", text({ cniVersion: "0.3.1" }), "0.3.1"],
    ["a version from the future", text({ cniVersion: "4.3.2" }), "1.1.0"],
  ];
  test.each(each(plugins, rows))("%s answers with %s on stdin", async (name, _, input, cniVersion) => {
    const { exitCode, stderr, document } = await rawCall(name, { CNI_COMMAND: "VERSION" }, input);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(document).toEqual({ cniVersion, supportedVersions: [...versions] });
  });

  test.each(plugins)("%s does not mind the dummies that some callers send", async (name) => {
    const dummies = { CNI_COMMAND: "VERSION", CNI_NETNS: "dummy", CNI_IFNAME: "a b", CNI_PATH: "dummy" };
    expect(await rawCall(name, dummies, text())).toMatchObject({ exitCode: 0, stderr: "" });
  });
});

describe("infra-dpu-cni, which refuses every ADD and nothing else", () => {
  test.each(["DEL", "CHECK", "GC", "STATUS"])("%s succeeds whatever is wrong", async (verb) => {
    for (const input of ["", "{", "{}", text({ cniVersion: "4.3.2" })]) {
      const { exitCode, stdout, stderr } = await rawCall("infra-dpu-cni", { CNI_COMMAND: verb }, input);
      expect({ exitCode, stdout, stderr }, input).toEqual({ exitCode: 0, stdout: "", stderr: "" });
    }
  });

  test.each(versions)("ADD of %s says what to do", async (cniVersion) => {
    const error = await rawError("infra-dpu-cni", env("ADD"), text({ cniVersion }));
    expect(error).toMatchObject({ cniVersion, code: 100, msg: expect.stringContaining("hostNetwork: true") });
  });
});
