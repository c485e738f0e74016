import { describe, expect, test, vi } from "vitest";
import { CniError } from "../../../lib/cni/error.ts";
import { execute } from "../../../lib/cni/execute.ts";
import type { Invocation } from "../../../lib/cni/invocation.ts";
import type { Log } from "../../../lib/cni/log.ts";
import type { Plugin, Verbs } from "../../../lib/cni/plugin.ts";
import { emptyResult } from "../../../lib/cni/result.ts";

const result = { ...emptyResult, ips: [{ address: "10.0.0.5/16" }] };

function pluginWith(verbs: Partial<Verbs>, more: Partial<Plugin> = {}): Plugin {
  const nothing = async () => {};
  const all = {
    add: async () => result,
    del: nothing,
    check: nothing,
    status: nothing,
    gc: nothing,
    ...verbs,
  };
  return { name: "table", about: "a plugin of the tests", verbs: async () => all, ...more };
}

const plain = pluginWith({});
const tolerant = pluginWith({}, { toleratesNoConf: true });

const fullEnv = {
  CNI_CONTAINERID: "pod-1",
  CNI_NETNS: "/run/netns/pod",
  CNI_IFNAME: "net1",
  CNI_PATH: "/opt/cni/bin:/usr/lib/cni",
};

const conf = (more: object = {}) =>
  JSON.stringify({ cniVersion: "1.1.0", name: "n", type: "table", ...more });

interface Call {
  readonly plugin?: Plugin;
  readonly env?: Record<string, string>;
  readonly stdin?: string | (() => string);
  readonly own?: boolean;
  readonly log?: Log;
}

const call = (
  command: string,
  { plugin = plain, env = fullEnv, stdin = conf(), own = false, log }: Call = {},
) =>
  execute(plugin, {
    env: { ...env, CNI_COMMAND: command },
    readStdin: () => (typeof stdin === "string" ? stdin : stdin()),
    ownNetns: () => own,
    ...(log === undefined ? {} : { openLog: () => log }),
  });

/** The error object of a call, past the check that nothing else was printed. */
async function errorOf(command: string, how: Call = {}) {
  const { stdout, stderr, exitCode } = await call(command, how);
  expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 1 });
  return JSON.parse(stdout);
}

const unreadable = () => {
  throw new CniError(5, "error reading from stdin");
};

describe("a call that is sound", () => {
  test("ADD prints the result in the configuration's version, and nothing else", async () => {
    expect(await call("ADD", { stdin: conf({ cniVersion: "0.3.1" }) })).toEqual({
      stdout: '{"cniVersion":"0.3.1","ips":[{"version":"4","address":"10.0.0.5/16"}],"dns":{}}\n',
      stderr: "",
      exitCode: 0,
    });
  });

  test.each(["DEL", "CHECK", "STATUS", "GC"])("%s prints nothing", async (command) => {
    expect(await call(command)).toEqual({ stdout: "", stderr: "", exitCode: 0 });
  });

  test("the verb gets all that was said", async () => {
    const add = vi.fn(async (_: Invocation) => result);
    const env = { ...fullEnv, CNI_ARGS: "IgnoreUnknown=1;IP=10.0.0.5", TRACEPARENT: "t" };
    await call("ADD", { plugin: pluginWith({ add }), env, stdin: conf({ mode: "l3" }) });
    expect(add.mock.lastCall?.[0]).toMatchObject({
      command: "ADD",
      cniVersion: "1.1.0",
      network: "n",
      containerId: "pod-1",
      netns: "/run/netns/pod",
      ifname: "net1",
      args: new Map([
        ["IgnoreUnknown", "1"],
        ["IP", "10.0.0.5"],
      ]),
      path: ["/opt/cni/bin", "/usr/lib/cni"],
      conf: { cniVersion: "1.1.0", name: "n", type: "table", mode: "l3" },
      env: { TRACEPARENT: "t" },
    });
  });

  test("a configuration with no cniVersion is of 0.1.0, and is answered so", async () => {
    expect(await call("ADD", { stdin: '{"name":"n"}' })).toMatchObject({
      stdout: '{"cniVersion":"0.1.0","ip4":{"ip":"10.0.0.5/16"},"dns":{}}\n',
    });
  });

  test("DEL is served with no namespace, no CNI_PATH and broken CNI_ARGS", async () => {
    const { CNI_CONTAINERID, CNI_IFNAME } = fullEnv;
    const env = { CNI_CONTAINERID, CNI_IFNAME, CNI_ARGS: "what=is=this" };
    const plugin = pluginWith({}, { knownArgs: ["IP"] });
    expect((await call("DEL", { plugin, env })).exitCode).toBe(0);
  });
});

describe("no CNI_COMMAND", () => {
  test("gets a line about the plugin and its versions on stderr, and exit 0", async () => {
    expect(await call("")).toEqual({
      stdout: "",
      stderr:
        "table development: a plugin of the tests\nCNI protocol versions supported: 0.1.0, 0.2.0, 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0\n",
      exitCode: 0,
    });
  });

  test("is looked at before any other variable", async () => {
    expect((await call("", { env: { CNI_CONTAINERID: "/", CNI_IFNAME: ".." } })).exitCode).toBe(0);
  });
});

describe("VERSION", () => {
  test.each([
    ["a version on stdin is said back", conf({ cniVersion: "0.4.0" }), "0.4.0"],
    ["an empty stdin gets the newest", "", "1.1.0"],
    ["a broken stdin gets the newest", "{", "1.1.0"],
    ["a version nobody knows gets the newest", conf({ cniVersion: "9.9.9" }), "1.1.0"],
    ["an unreadable stdin gets the newest", unreadable, "1.1.0"],
  ])("%s", async (_, stdin, cniVersion) => {
    const { stdout, exitCode } = await call("VERSION", { stdin, env: {} });
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      cniVersion,
      supportedVersions: ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"],
    });
  });

  test("loads no verb and opens no log", async () => {
    const verbs = vi.fn();
    const openLog = vi.fn();
    const env = { CNI_COMMAND: "VERSION", CNI_NETNS: "dummy", CNI_IFNAME: "a b", CNI_PATH: "dummy" };
    await execute({ ...plain, verbs }, { env, readStdin: () => "", ownNetns: () => true, openLog });
    expect(verbs).not.toHaveBeenCalled();
    expect(openLog).not.toHaveBeenCalled();
  });
});

describe("the checks, each before the next", () => {
  const badName = conf({ name: "a/b" });
  test.each<[string, string, Call, object]>([
    [
      "a bad value, before what is missing",
      "ADD",
      { env: { CNI_IFNAME: "." } },
      { code: 4, msg: "interface name is . or .." },
    ],
    [
      "what is missing, before stdin",
      "ADD",
      { env: {}, stdin: unreadable },
      { code: 4, msg: "required env variables [CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME,CNI_PATH] missing" },
    ],
    [
      "an unreadable stdin, before an unknown command",
      "FROB",
      { stdin: unreadable },
      { code: 5, msg: "error reading from stdin" },
    ],
    ["bad JSON, before an unknown command", "FROB", { stdin: "{" }, { code: 6 }],
    [
      "a bad name, before an unknown command",
      "FROB",
      { stdin: badName },
      { code: 7, msg: "invalid characters found in network name" },
    ],
    ["an unknown command", "FROB", {}, { code: 4, msg: "unknown CNI_COMMAND: FROB" }],
    [
      "an unknown command, before a bad version",
      "FROB",
      { stdin: conf({ cniVersion: "9.9.9" }) },
      { code: 4 },
    ],
    ["a command in small letters", "add", {}, { code: 4, msg: "unknown CNI_COMMAND: add" }],
    [
      "no name",
      "ADD",
      { stdin: '{"cniVersion":"1.0.0"}' },
      { cniVersion: "1.0.0", code: 7, msg: "missing network name" },
    ],
    ["bytes after the document", "ADD", { stdin: `${conf()}x` }, { code: 6 }],
    [
      "CHECK below 0.4.0",
      "CHECK",
      { stdin: conf({ cniVersion: "0.3.1" }) },
      { cniVersion: "0.3.1", code: 1, msg: "config version does not allow CHECK" },
    ],
    ["CHECK with no version at all", "CHECK", { stdin: '{"name":"n"}' }, { code: 1 }],
    [
      "GC below 1.1.0",
      "GC",
      { stdin: conf({ cniVersion: "1.0.0" }) },
      { code: 1, msg: "config version does not allow GC" },
    ],
    [
      "STATUS below 1.1.0",
      "STATUS",
      { stdin: conf({ cniVersion: "1.0.0" }) },
      { code: 1, msg: "config version does not allow STATUS" },
    ],
    [
      "a version that is none of ours, before the namespace",
      "ADD",
      { stdin: conf({ cniVersion: "9.9.9" }), own: true },
      { cniVersion: "1.1.0", code: 1, msg: "incompatible CNI versions" },
    ],
    ["a cniVersion that is no text", "ADD", { stdin: conf({ cniVersion: 1 }) }, { code: 6 }],
    ["CNI_ARGS that are no pairs", "ADD", { env: { ...fullEnv, CNI_ARGS: "a" } }, { code: 4 }],
    [
      "CNI_ARGS that the plugin does not know",
      "ADD",
      { plugin: pluginWith({}, { knownArgs: ["IP"] }), env: { ...fullEnv, CNI_ARGS: "MAC=1" } },
      { code: 4 },
    ],
    [
      "the plugin's own namespace",
      "ADD",
      { own: true },
      { code: 8, msg: "plugin's netns and netns from CNI_NETNS should not be the same" },
    ],
    ["the plugin's own namespace at CHECK", "CHECK", { own: true }, { code: 8 }],
    ["the plugin's own namespace at DEL", "DEL", { own: true }, { code: 8 }],
  ])("%s", async (_, command, how, error) => {
    const never = async () => expect.unreachable("no verb may be called");
    const plugin = how.plugin ?? { ...plain, verbs: never };
    expect(await errorOf(command, { ...how, plugin })).toMatchObject(error);
  });

  test.each(["TRUE", "true", "1"])(
    "its own namespace is let pass with CNI_NETNS_OVERRIDE=%s",
    async (value) => {
      const env = { ...fullEnv, CNI_NETNS_OVERRIDE: value };
      expect((await call("ADD", { own: true, env })).exitCode).toBe(0);
    },
  );

  test("the namespace is not asked for where the verb has none", async () => {
    expect((await call("STATUS", { own: true, env: { CNI_PATH: "/a" } })).exitCode).toBe(0);
  });
});

describe("an error of a verb", () => {
  const throwing = (error: unknown) => pluginWith({ add: () => Promise.reject(error) });
  const netlinkError = Object.assign(new Error("EEXIST"), {
    name: "NetlinkError",
    errno: 17,
    code: "EEXIST",
    request: "create ipvlan net1-0 on eth1",
    explanation: "Device is already in use",
  });

  test.each<[string, unknown, object]>([
    [
      "of ours has its code, message and details",
      new CniError(104, "pool is full", { details: "free one" }),
      { cniVersion: "1.1.0", code: 104, msg: "pool is full", details: "free one" },
    ],
    ["without details has none", new CniError(11, "later"), { cniVersion: "1.1.0", code: 11, msg: "later" }],
    [
      "of the kernel names request, errno and explanation",
      netlinkError,
      {
        cniVersion: "1.1.0",
        code: 101,
        msg: "the kernel refused to create ipvlan net1-0 on eth1: EEXIST",
        details: "Device is already in use",
      },
    ],
    [
      "of nobody is 999 with its message",
      new TypeError("x is not a function"),
      { cniVersion: "1.1.0", code: 999, msg: "internal error: x is not a function" },
    ],
    ["that is no Error is 999", "boom", { cniVersion: "1.1.0", code: 999, msg: "internal error: boom" }],
  ])("%s", async (_, error, object) => {
    expect(await errorOf("ADD", { plugin: throwing(error) })).toEqual(object);
  });

  test("at loading is answered like any other", async () => {
    const plugin = { ...plain, verbs: () => Promise.reject(new Error("no such module")) };
    expect(await errorOf("DEL", { plugin })).toMatchObject({ code: 999 });
  });

  test("has its stack in the log, and only there", async () => {
    const log = { info: vi.fn(), error: vi.fn() };
    const { msg } = await errorOf("ADD", { plugin: throwing(new Error("defect")), log });
    expect(msg).not.toContain("run-plugin.test");
    expect(log.error.mock.lastCall?.[1].stack).toContain("run-plugin.test");
  });
});

test("the log of a call says which one it was, and that it came without a namespace", async () => {
  const openLog = vi.fn();
  const env = { ...fullEnv, CNI_COMMAND: "DEL", CNI_NETNS: "" };
  await execute(plain, { env, readStdin: () => conf(), ownNetns: () => false, openLog });
  const { name: network } = JSON.parse(conf());
  const { CNI_CONTAINERID: containerId, CNI_IFNAME: ifname } = env;
  const { name: plugin } = plain;
  expect(openLog).toHaveBeenLastCalledWith({
    plugin,
    command: "DEL",
    network,
    containerId,
    netns: "",
    ifname,
  });
});

describe("an ADD whose result its version cannot hold", () => {
  test("is an error, and is undone", async () => {
    const del = vi.fn(async (_: Invocation) => {});
    const plugin = pluginWith({ add: async () => emptyResult, del });
    expect(await errorOf("ADD", { plugin, stdin: conf({ cniVersion: "0.2.0" }) })).toMatchObject({ code: 7 });
    expect(del.mock.lastCall?.[0]).toMatchObject({ command: "DEL", containerId: "pod-1" });
  });

  test("is that error still where undoing it fails", async () => {
    const plugin = pluginWith({ add: async () => emptyResult, del: () => Promise.reject(new Error("no")) });
    expect(await errorOf("ADD", { plugin, stdin: conf({ cniVersion: "0.2.0" }) })).toMatchObject({ code: 7 });
  });
});

describe("a plugin that tolerates having no configuration", () => {
  const broken: [string, Call][] = [
    ["an empty environment", { env: {} }],
    ["an empty stdin", { stdin: "" }],
    ["an unreadable stdin", { stdin: unreadable }],
    ["half a document", { stdin: "{" }],
    ["a nameless configuration", { stdin: "{}" }],
    ["a version nobody knows", { stdin: conf({ cniVersion: "9.9.9" }) }],
    ["a version that has not all verbs", { stdin: conf({ cniVersion: "0.3.0" }) }],
    ["its own namespace", { own: true }],
    ["nothing at all", { env: {}, stdin: "" }],
  ];
  for (const command of ["DEL", "GC", "CHECK", "STATUS"]) {
    test.each(broken)(`serves ${command} with %s`, async (_, how) => {
      expect(await call(command, { ...how, plugin: tolerant })).toEqual({
        stdout: "",
        stderr: "",
        exitCode: 0,
      });
    });
  }

  test("hands ADD to the verb with an empty stdin", async () => {
    const add = vi.fn(async (_: Invocation) => result);
    const plugin = pluginWith({ add }, { toleratesNoConf: true });
    await call("ADD", { plugin, stdin: "" });
    expect(add.mock.lastCall?.[0]).toMatchObject({
      conf: {},
      network: "",
      cniVersion: "0.1.0",
      containerId: "pod-1",
    });
  });

  test.each<[string, Call, number]>([
    ["an empty environment", { env: {} }, 4],
    ["an unreadable stdin", { stdin: unreadable }, 5],
    ["half a document", { stdin: "{" }, 6],
    ["a nameless configuration", { stdin: "{}" }, 7],
    ["a version nobody knows", { stdin: conf({ cniVersion: "9.9.9" }) }, 1],
  ])("refuses ADD with %s", async (_, how, code) => {
    expect(await errorOf("ADD", { ...how, plugin: tolerant })).toMatchObject({ code });
  });

  test("knows no more commands than others", async () => {
    expect(await errorOf("FROB", { plugin: tolerant })).toMatchObject({
      code: 4,
      msg: "unknown CNI_COMMAND: FROB",
    });
    expect(await errorOf("FROB", { plugin: tolerant, stdin: "{" })).toMatchObject({ code: 6 });
  });
});
