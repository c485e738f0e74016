import { execFileSync, spawn } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const crashing = join(import.meta.dirname, "crashing-plugin.ts");
const entry = join(import.meta.dirname, "../../../plugins/main.ts");
const conf = '{"cniVersion":"1.0.0","name":"n"}';
const env = {
  MULTI_NIC_CNI_LOG_FILE: "off",
  CNI_COMMAND: "ADD",
  CNI_CONTAINERID: "pod-1",
  CNI_NETNS: "/run/netns/missing",
  CNI_IFNAME: "net1",
  CNI_PATH: "/opt/cni/bin",
};

describe("whatever goes wrong ends as one error object and exit code 1", () => {
  test.each([
    ["a promise that nobody holds", { code: 104, msg: "full" }],
    ["an exception of a timer", { code: 999, msg: "internal error: late" }],
    ["an answer that never comes", { code: 999, msg: "internal error: the plugin ended without an answer" }],
    ["an exception of the verb", { code: 999, msg: "internal error: at once" }],
  ])("%s", async (how, error) => {
    const options = { env, extendEnv: false, input: conf, reject: false };
    const { stdout, stderr, exitCode } = await execa(process.execPath, [crashing, how], options);
    expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 1 });
    expect(JSON.parse(stdout)).toMatchObject(error);
  });
});

test("the namespace of the plugin itself is refused by its inode, whatever its path", async () => {
  const CNI_NETNS = `/proc/${process.pid}/ns/net`;
  const options = { env: { ...env, CNI_NETNS }, extendEnv: false, input: conf, reject: false };
  const { stdout } = await execa(process.execPath, [entry, "infra-dpu-cni"], options);
  expect(JSON.parse(stdout)).toMatchObject({ code: 8 });
  const overridden = { ...options, env: { ...options.env, CNI_NETNS_OVERRIDE: "1" } };
  expect(
    JSON.parse((await execa(process.execPath, [entry, "infra-dpu-cni"], overridden)).stdout),
  ).toMatchObject({ code: 100 });
});

describe("a pipe that does not block", () => {
  let folder: string;
  let fifo: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "pipe-"));
    fifo = join(folder, "fifo");
    execFileSync("mkfifo", [fifo]);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** The shell hands descriptor 3 on as it is: a parent written in Node makes 0, 1 and 2 of its children block. */
  const start = (redirection: string, fd: number) => {
    const script = `exec "$0" "$1" infra-dpu-cni ${redirection}`;
    const child = spawn("/bin/sh", ["-c", script, process.execPath, entry], {
      env,
      stdio: ["ignore", "pipe", "pipe", fd],
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout?.on("data", (chunk) => stdout.push(chunk));
    child.stderr?.on("data", (chunk) => stderr.push(chunk));
    const closed = new Promise((resolve) => child.on("close", resolve));
    return {
      closed,
      text: () => Buffer.concat(stdout).toString(),
      noise: () => Buffer.concat(stderr).toString(),
    };
  };

  test("is read until its writer is done, though it is empty at first", async () => {
    const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
    const writer = openSync(fifo, constants.O_WRONLY);
    const child = start("<&3", reader);
    await sleep(300);
    writeSync(writer, conf.slice(0, 10));
    await sleep(50);
    writeSync(writer, conf.slice(10));
    closeSync(writer);
    expect(await child.closed).toBe(1);
    closeSync(reader);
    expect(JSON.parse(child.text())).toMatchObject({ cniVersion: "1.0.0", code: 100 });
  });

  test("is written to as soon as it takes something, though it is full at first", async () => {
    const fd = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
    const full = Buffer.alloc(4096, " ");
    expect(() => {
      for (;;) writeSync(fd, full);
    }).toThrow("EAGAIN");
    const child = start(">&3 </dev/null", fd);
    await sleep(400);
    const chunks: Buffer[] = [];
    const drain = () => {
      const chunk = Buffer.alloc(1 << 20);
      chunks.push(chunk.subarray(0, readSync(fd, chunk)));
    };
    drain();
    expect(await child.closed).toBe(1);
    drain();
    closeSync(fd);
    expect(child.noise()).toBe("");
    expect(JSON.parse(Buffer.concat(chunks).toString())).toMatchObject({ code: 100 });
  });
});
