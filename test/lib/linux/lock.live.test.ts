import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lockByte } from "../../../lib/linux/lock.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lock-"));
});
afterEach(() => rmSync(folder, { recursive: true }));
const file = () => join(folder, "state/locks");

test("a byte is locked once at a time, also within one process", async () => {
  const first = await lockByte(file(), 7, 0);
  await expect(lockByte(file(), 7, 0)).rejects.toMatchObject({ code: "EAGAIN" });
  first[Symbol.dispose]();
  (await lockByte(file(), 7, 0))[Symbol.dispose]();
});

test("other bytes are free, also far behind the file's end", async () => {
  using _first = await lockByte(file(), 7, 0);
  using _second = await lockByte(file(), 0x7fffff00, 0);
  expect(statSync(file()).size).toBe(0);
});

test("who waits gets the lock when it comes free", async () => {
  const first = await lockByte(file(), 7, 0);
  const second = lockByte(file(), 7, 10_000);
  setTimeout(() => first[Symbol.dispose](), 20);
  (await second)[Symbol.dispose]();
});

test("the lock of a process that was killed is free", async () => {
  const script = `import { lockByte } from ${JSON.stringify(join(import.meta.dirname, "../../../lib/linux/lock.ts"))};
    globalThis.held = await lockByte(${JSON.stringify(file())}, 7, 0);
    process.stdout.write("locked");
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module-typescript", "--eval", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  await expect(lockByte(file(), 7, 0)).rejects.toMatchObject({ code: "EAGAIN" });
  child.kill("SIGKILL");
  await once(child, "exit");
  (await lockByte(file(), 7, 1000))[Symbol.dispose]();
});

test("file and folder are root's alone, and a link in its place is not followed", async () => {
  using _lock = await lockByte(file(), 1, 0);
  expect(statSync(file()).mode & 0o777).toBe(0o600);
  expect(statSync(join(folder, "state")).mode & 0o777).toBe(0o700);
  symlinkSync("/etc/passwd", join(folder, "link"));
  await expect(lockByte(join(folder, "link"), 1, 0)).rejects.toMatchObject({ code: "ELOOP" });
});
