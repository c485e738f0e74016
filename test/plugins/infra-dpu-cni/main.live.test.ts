import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const entry = join(import.meta.dirname, "../../../plugins/main.ts");
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "infra-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Call {
  readonly env?: Record<string, string>;
  readonly stdin?: string;
  readonly argv?: readonly string[];
}

const off = { MULTI_NIC_CNI_LOG_FILE: "off" };
const attachment = {
  CNI_CONTAINERID: "pod-1",
  CNI_NETNS: "/run/netns/missing",
  CNI_IFNAME: "eth0",
  CNI_PATH: "/opt/cni/bin",
};
const conf = '{"cniVersion":"0.4.0","name":"infra-dpu-cni","type":"infra-dpu-cni"}';

/** Runs the entry as the runtime does: by its name, with this environment alone. */
const run = ({ env = {}, stdin, argv = [] }: Call) =>
  execa(process.execPath, [entry, ...argv], {
    argv0: "/opt/cni/bin/infra-dpu-cni",
    env: { ...off, ...env },
    extendEnv: false,
    reject: false,
    ...(stdin === undefined ? { stdin: "ignore" as const } : { input: stdin }),
  });

/** The same through a shell, for what only a shell can do to a descriptor. */
const runInShell = (redirection: string, env: Record<string, string>) =>
  execa("/bin/sh", ["-c", `exec "$0" "$1" infra-dpu-cni ${redirection}`, process.execPath, entry], {
    env: { ...off, ...env },
    extendEnv: false,
    reject: false,
  });

const quiet = { stdout: "", stderr: "", exitCode: 0 };

describe("with its configuration", () => {
  test("ADD is refused in the configuration's version, with the pod's name", async () => {
    const CNI_ARGS = "IgnoreUnknown=true;K8S_POD_NAMESPACE=default;K8S_POD_NAME=web-0";
    const { stdout, exitCode } = await run({
      env: { ...attachment, CNI_COMMAND: "ADD", CNI_ARGS },
      stdin: conf,
    });
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      cniVersion: "0.4.0",
      code: 100,
      msg: "no pod network on this node: only pods with hostNetwork: true can run here",
      details:
        "pod default/web-0 asks for network infra-dpu-cni: set hostNetwork: true in its spec, or schedule it on another node",
    });
  });

  test.each(["DEL", "CHECK", "GC", "STATUS"])("%s succeeds", async (CNI_COMMAND) => {
    expect(await run({ env: { ...attachment, CNI_COMMAND }, stdin: conf })).toMatchObject(quiet);
  });

  test("STATUS is 50 where it is strict", async () => {
    const stdin = '{"cniVersion":"1.1.0","name":"infra-dpu-cni","type":"infra-dpu-cni","status":"strict"}';
    const { stdout, exitCode } = await run({
      env: { CNI_COMMAND: "STATUS", CNI_PATH: "/opt/cni/bin" },
      stdin,
    });
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ cniVersion: "1.1.0", code: 50 });
  });

  test("VERSION says the configuration's version back, and lists it", async () => {
    const { stdout, exitCode } = await run({ env: { CNI_COMMAND: "VERSION" }, stdin: conf });
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      cniVersion: "0.4.0",
      supportedVersions: expect.arrayContaining(["0.4.0"]),
    });
  });
});

describe("with next to nothing", () => {
  test.each(["DEL", "CHECK", "GC", "STATUS"])("%s succeeds with CNI_COMMAND alone", async (CNI_COMMAND) => {
    expect(await run({ env: { CNI_COMMAND } })).toMatchObject(quiet);
  });

  test.each(["<&-", "</dev/null", "</", "0>/dev/null"])("DEL succeeds with stdin %s", async (redirection) => {
    expect(await runInShell(redirection, { CNI_COMMAND: "DEL" })).toMatchObject(quiet);
  });

  test.each([
    ["<&-", 100],
    ["</", 5],
  ])("ADD with stdin %s is one error object of code %i", async (redirection, code) => {
    const { stdout, exitCode } = await runInShell(redirection, { ...attachment, CNI_COMMAND: "ADD" });
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ code });
  });

  test("VERSION is answered though stdin stays open and silent", async () => {
    const child = spawn(process.execPath, [entry, "infra-dpu-cni"], {
      env: { CNI_COMMAND: "VERSION" },
      stdio: "pipe",
    });
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk) => chunks.push(chunk));
    expect(await new Promise((resolve) => child.on("close", resolve))).toBe(0);
    expect(JSON.parse(Buffer.concat(chunks).toString())).toMatchObject({ cniVersion: "1.1.0" });
  });

  test("a reader of stdout that left is no crash", async () => {
    const { stderr } = await execa(
      "/bin/sh",
      ["-c", '"$0" "$1" infra-dpu-cni | :', process.execPath, entry],
      {
        env: { ...off, CNI_COMMAND: "VERSION" },
        extendEnv: false,
        input: "",
      },
    );
    expect(stderr).toBe("");
  });
});

describe("the log", () => {
  test.each(["/missing/folder/cni.log", "/", "/proc/self/mem"])(
    "at %s, which cannot be written, fails no verb",
    async (path) => {
      const env = { ...attachment, MULTI_NIC_CNI_LOG_FILE: path };
      expect(await run({ env: { ...env, CNI_COMMAND: "DEL" }, stdin: conf })).toMatchObject(quiet);
      const { stdout } = await run({ env: { ...env, CNI_COMMAND: "ADD" }, stdin: conf });
      expect(JSON.parse(stdout)).toMatchObject({ code: 100 });
    },
  );

  test("has who called for what, and the trace", async () => {
    const path = join(folder, "cni.log");
    const env = {
      ...attachment,
      CNI_COMMAND: "ADD",
      MULTI_NIC_CNI_LOG_FILE: path,
      TRACEPARENT: "00-ab-cd-01",
    };
    await run({ env, stdin: conf });
    const lines = readFileSync(path, "utf8").trimEnd().split("\n");
    expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject({
      level: "error",
      message: "failed",
      plugin: "infra-dpu-cni",
      command: "ADD",
      network: "infra-dpu-cni",
      containerId: "pod-1",
      ifname: "eth0",
      code: 100,
      traceparent: "00-ab-cd-01",
    });
  });

  test("is left alone by VERSION", async () => {
    const path = join(folder, "version.log");
    await run({ env: { CNI_COMMAND: "VERSION", MULTI_NIC_CNI_LOG_FILE: path } });
    expect(existsSync(path)).toBe(false);
  });
});

describe("for a person", () => {
  test("without CNI_COMMAND it says what it is on stderr", async () => {
    expect(await run({})).toMatchObject({
      exitCode: 0,
      stdout: "",
      stderr: expect.stringMatching(
        /^infra-dpu-cni .*\nCNI protocol versions supported: 0\.1\.0, .*1\.1\.0$/,
      ),
    });
  });

  test("--version and --help are answered on stdout", async () => {
    expect(await run({ argv: ["--version"] })).toMatchObject({
      exitCode: 0,
      stdout: "infra-dpu-cni development",
    });
    expect(await run({ argv: ["--help"] })).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining("CNI_COMMAND"),
    });
  });

  test("by a name that it does not know it says which it does", async () => {
    const { stdout, exitCode } = await execa(process.execPath, [entry], {
      argv0: "renamed",
      env: { ...off, ...attachment, CNI_COMMAND: "ADD" },
      extendEnv: false,
      input: conf,
      reject: false,
    });
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      code: 7,
      details: expect.stringContaining("infra-dpu-cni, multi-nic or multi-nic-ipam"),
    });
  });
});

/** Names each module on stderr as it is loaded. */
const namingModules = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from "node:module";
  import { writeSync } from "node:fs";
  registerHooks({ load: (url, context, next) => { writeSync(2, url + "\\n"); return next(url, context); } });
`)}`;

test.each([
  ["VERSION", false],
  ["DEL", true],
])("%s loads the verbs: %s, and never zod, execa or netlink", async (CNI_COMMAND, verbs) => {
  const { stderr, exitCode } = await execa(
    process.execPath,
    ["--import", namingModules, entry, "infra-dpu-cni"],
    {
      env: { ...off, CNI_COMMAND },
      extendEnv: false,
      input: conf,
      reject: false,
    },
  );
  expect(exitCode).toBe(0);
  expect(stderr).toContain("lib/cni/execute.ts");
  expect(stderr.includes("infra-dpu-cni/verbs.ts")).toBe(verbs);
  expect(stderr).not.toMatch(
    /node_modules\/(zod|execa|netlink|ip-address)|lib\/netlink|plugins\/multi-nic[^/]*\/(?!main|verbs)/,
  );
});
