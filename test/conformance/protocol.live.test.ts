import { spawnSync } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { bin } from "../live/plugin.ts";
import { each, env, plugins, rawCall, rawError, strict, text, versions } from "./raw-call.ts";

/* The protocol, by topics of the tests of the reference's skel; each row is one call of an executable. */

describe.concurrent("configuration: what is no network is refused", () => {
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

describe.concurrent("verbs", () => {
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

describe.concurrent("errors", () => {
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

describe.concurrent("VERSION", () => {
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

describe.concurrent("infra-dpu-cni, which refuses every ADD and nothing else", () => {
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
