import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  delegateAdd,
  delegateCheck,
  delegateDel,
  delegateGc,
  delegateStatus,
} from "../../../lib/cni/delegate.ts";
import type { Invocation } from "../../../lib/cni/invocation.ts";
import { noLog } from "../../../lib/cni/log.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "delegate-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string) => join(folder, name);

function install(name: string, script: string, interpreter = "/bin/sh"): string {
  writeFileSync(file(name), `#!${interpreter}\n${script}\n`);
  chmodSync(file(name), 0o755);
  return name;
}

const invocation = (): Invocation => ({
  command: "ADD",
  cniVersion: "1.0.0",
  network: "n",
  containerId: "pod-1",
  netns: "/run/netns/pod",
  ifname: "net1",
  args: new Map(),
  path: [file("missing"), folder],
  conf: {},
  env: {
    PATH: process.env.PATH,
    CNI_COMMAND: "ADD",
    CNI_CONTAINERID: "pod-1",
    CNI_IFNAME: "net1",
    CNI_ARGS: "A=b",
    TRACEPARENT: "trace",
    UNSET: undefined,
  },
  log: noLog,
});

const conf = { cniVersion: "0.4.0", name: "n", ipam: { type: "x" } };

describe("ADD of a delegate", () => {
  test("gives its result, in the shape of the version that the result names", async () => {
    install("versioned", `echo '{"cniVersion":"0.2.0","ip4":{"ip":"10.0.0.5/24"}}'`);
    expect((await delegateAdd(invocation(), "versioned", conf)).ips).toEqual([{ address: "10.0.0.5/24" }]);
  });

  test("takes a result without a version for one of the configuration's", async () => {
    install(
      "unversioned",
      `echo '{"ip4":{"ip":"10.0.0.5/24"},"ips":[{"address":"10.0.0.6/24","interface":0}]}'`,
    );
    const add = async (cniVersion: string) =>
      (await delegateAdd(invocation(), "unversioned", { ...conf, cniVersion })).ips;
    expect(await add("0.1.0")).toEqual([{ address: "10.0.0.5/24" }]);
    expect(await add("0.4.0")).toEqual([{ address: "10.0.0.6/24", interface: 0 }]);
  });

  test("gives it the configuration on stdin, byte for byte where it is text", async () => {
    install("stdin", `cat > '${file("seen")}'; echo '{}'`);
    await delegateAdd(invocation(), "stdin", '{"cniVersion":"1.0.0",  "name":"n"}');
    expect(readFileSync(file("seen"), "utf8")).toBe('{"cniVersion":"1.0.0",  "name":"n"}');
    await delegateAdd(invocation(), "stdin", conf);
    expect(JSON.parse(readFileSync(file("seen"), "utf8"))).toEqual(conf);
  });

  test("is not disturbed by a delegate that leaves stdin unread, however long it is", async () => {
    install("unread", `exec 0<&-; echo '{"ips":[]}'`);
    const long = { ...conf, padding: "x".repeat(1_000_000) };
    expect((await delegateAdd(invocation(), "unread", long)).ips).toEqual([]);
  });

  test("waits for an executable that is still being written", async () => {
    copyFileSync("/bin/cat", file("cat")); // its answer is the configuration, which is an empty result
    const fd = openSync(file("cat"), "r+");
    let closed = false;
    setTimeout(() => {
      closeSync(fd);
      closed = true;
    }, 120);
    expect((await delegateAdd(invocation(), "cat", conf)).ips).toEqual([]);
    expect(closed).toBe(true);
  });
});

describe("the environment of a delegate", () => {
  const seen = async (run: (type: string) => Promise<unknown>) => {
    install("env", `env > '${file("environment")}'; echo '{}'`);
    await run("env");
    const lines = readFileSync(file("environment"), "utf8").trimEnd().split("\n");
    const pairs = lines.map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]);
    const { PWD: _, OLDPWD: __, SHLVL: ___, _: ____, ...env } = Object.fromEntries(pairs);
    return env;
  };

  test.each([
    ["ADD", delegateAdd],
    ["DEL", delegateDel],
    ["CHECK", delegateCheck],
    ["STATUS", delegateStatus],
    ["GC", delegateGc],
  ] as const)("is that of the call, with %s for the command", async (CNI_COMMAND, delegate) => {
    const { UNSET: _, ...env } = invocation().env;
    expect(await seen((type) => delegate(invocation(), type, conf))).toEqual({
      ...env,
      CNI_COMMAND,
      MULTI_NIC_CNI_DELEGATE: "1",
    });
  });

  test("has what is overridden, and nothing of our own process", async () => {
    const overrides = { ifname: "net1-0", args: "IP=10.0.0.1/8" };
    const env = await seen((type) => delegateAdd({ ...invocation(), env: {} }, type, conf, overrides));
    expect(env).toEqual({
      CNI_COMMAND: "ADD",
      CNI_IFNAME: "net1-0",
      CNI_ARGS: "IP=10.0.0.1/8",
      MULTI_NIC_CNI_DELEGATE: "1",
    });
  });
});

describe("what a delegate may do wrong", () => {
  const clear = (type: string, details: string | RegExp) =>
    expect.objectContaining({
      name: "CniError",
      code: 102,
      message: `${type}: ADD failed`,
      details: expect.stringMatching(details),
    });

  test.each<[string, string, string | RegExp]>([
    ["it prints nothing", "exit 0", "printed no JSON object: nothing at all"],
    ["it prints noise", "echo hello", 'printed no JSON object: "hello"'],
    ["it prints noise after its result", `echo '{"ips":[]}'; echo bye`, "printed no JSON object"],
    ["it prints a list", "echo '[]'", "printed no JSON object"],
    ["it prints no result", `echo '{"ips":[{}]}'`, /the result of \S+\.ips\[0\]\.address: missing/],
    ["its result is of an unknown version", `echo '{"cniVersion":"7.0.0"}'`, "incompatible CNI versions"],
    ["it fails and says nothing", "exit 3", "ended with exit code 3 and nothing on stdout"],
    ["it fails and says why on stderr only", "echo no luck >&2; exit 3", "its stderr ends with: no luck"],
    ["it fails with noise", "echo panic: x; exit 2", 'exit code 2 and no error object on stdout: "panic: x"'],
    ["it fails with an object that is no error", "echo '{}'; exit 1", "no error object on stdout"],
    ["it is killed", "kill -9 $$", "was killed by SIGKILL"],
    ["it prints without end", "yes 0123456789012345678901234567890", "printed more than 16777216 characters"],
  ])("%s", async (name, script, details) => {
    const type = install(name.replaceAll(" ", "-"), script);
    await expect(delegateAdd(invocation(), type, conf)).rejects.toEqual(clear(type, details));
  });

  describe("it has not ended when its time is over: it is killed", () => {
    const slow = { timeLeft: () => 300 };
    const isAlive = (pid: string) =>
      existsSync(`/proc/${pid.trim()}/exe`) && readlinkSync(`/proc/${pid.trim()}/exe`) !== "";
    const children = `sleep 600 & echo $! >'CHILD'; echo $$ >'SELF'; echo waiting >&2`;
    const script = (name: string, last: string) =>
      `${children.replace("CHILD", file(`${name}.child`)).replace("SELF", file(`${name}.self`))}\n${last}`;

    test.each<[string, string]>([
      ["itself and what it started", "wait"],
      ["though it does not let itself be ended", "trap '' TERM INT HUP; while :; do sleep 1; done"],
    ])("%s", async (title, last) => {
      const type = install(`slow-${title.length}`, script(title, last));
      await expect(delegateAdd(invocation(), type, conf, slow)).rejects.toEqual(
        clear(type, /^had not ended after 1 s, and was killed; its stderr ends with: waiting/),
      );
      for (const whose of ["child", "self"]) {
        const pid = readFileSync(file(`${title}.${whose}`), "utf8");
        await expect.poll(() => isAlive(pid), { timeout: 20_000 }).toBe(false);
      }
    });

    test("also where only somebody who left its group holds its stdout", async () => {
      const pidFile = file("left");
      const type = install("leaving", `setsid sh -c 'echo $$ >"${pidFile}"; exec sleep 600' & echo '{}'`);
      await expect(delegateAdd(invocation(), type, conf, slow)).rejects.toEqual(
        clear(type, /^had not ended/),
      );
      process.kill(Number(readFileSync(pidFile, "utf8")), "SIGKILL");
    });

    test("and those after it are not called", async () => {
      const type = install("never", `touch '${file("called")}'; echo '{}'`);
      await expect(delegateAdd(invocation(), type, conf, { timeLeft: () => 0 })).rejects.toEqual(
        clear(type, "was not called: those before it took all the time"),
      );
      expect(existsSync(file("called"))).toBe(false);
    });
  });

  test("its interpreter is missing", async () => {
    install("interpreter", "", "/missing/interpreter");
    await expect(delegateAdd(invocation(), "interpreter", conf)).rejects.toEqual(
      clear("interpreter", "could not be run.*ENOENT"),
    );
  });

  test("it is not executable", async () => {
    install("not-executable", "exit 0");
    chmodSync(file("not-executable"), 0o644);
    await expect(delegateAdd(invocation(), "not-executable", conf)).rejects.toEqual(
      clear("not-executable", "could not be run.*EACCES"),
    );
  });

  test("it is not there", async () => {
    await expect(delegateDel(invocation(), "absent", conf)).rejects.toMatchObject({ code: 102 });
  });

  test("it is asked for by a delegate, which may be itself", async () => {
    const nested = { ...invocation(), env: { ...invocation().env, MULTI_NIC_CNI_DELEGATE: "1" } };
    install("well", "echo '{}'");
    await expect(delegateAdd(nested, "well", conf)).rejects.toMatchObject({
      code: 7,
      message: expect.stringMatching(/^type: "well" is asked for by a plugin that was itself asked/),
    });
  });

  test("its name leads elsewhere", async () => {
    await expect(delegateDel(invocation(), "../sh", conf)).rejects.toMatchObject({ code: 7 });
  });
});

describe("an error object of a delegate is passed on with its code and its name", () => {
  const error = `echo '{"cniVersion":"0.4.0","code":11,"msg":"busy","details":"try again"}'`;
  const passedOn = { name: "CniError", code: 11, message: "refusing: busy", details: "try again" };

  test.each([
    ["ADD", delegateAdd],
    ["DEL", delegateDel],
    ["CHECK", delegateCheck],
    ["STATUS", delegateStatus],
    ["GC", delegateGc],
  ] as const)("by %s", async (_, delegate) => {
    install("refusing", `${error}; exit 1`);
    await expect(delegate(invocation(), "refusing", conf)).rejects.toMatchObject(passedOn);
  });

  test("also where it ends with exit code 0", async () => {
    install("refusing", error);
    await expect(delegateAdd(invocation(), "refusing", conf)).rejects.toMatchObject(passedOn);
  });

  test("also where it has no code", async () => {
    install("codeless", `echo '{"msg":"no"}'; exit 1`);
    await expect(delegateDel(invocation(), "codeless", conf)).rejects.toMatchObject({
      code: 102,
      message: "codeless: no",
    });
  });
});

test("the noise of a delegate that succeeds at DEL is not looked at", async () => {
  install("noisy", "echo gone");
  await expect(delegateDel(invocation(), "noisy", conf)).resolves.toBeUndefined();
});
