import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { LockQueue, lockByte, lockOffThread } from "../../../lib/linux/lock.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lock-"));
});
afterEach(() => rmSync(folder, { recursive: true }));
const file = () => join(folder, "state/locks");

/** A process that does so with the exports of lock.ts. */
function start(script: string) {
  const module = JSON.stringify(join(import.meta.dirname, "../../../lib/linux/lock.ts"));
  const child = spawn(
    process.execPath,
    [
      "--input-type=module-typescript",
      "--eval",
      `import { writeSync } from "node:fs"; import { lockByte, LockQueue } from ${module};\n${script}`,
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

/** How many wait for a lock of the file (/proc/locks has them below it, after an arrow). */
function waiting(): number {
  const { ino } = statSync(file());
  const lines = readFileSync("/proc/locks", "utf8").split("\n");
  return lines.filter((line) => line.includes("->") && line.includes(`:${ino} `)).length;
}

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

test("who waits for a time in vain has the lock no sooner", async () => {
  using _first = await lockByte(file(), 7, 0);
  await expect(lockByte(file(), 7, 20)).rejects.toMatchObject({ code: "EAGAIN" });
});

test("the lock of a process that was killed is free", async () => {
  const script = `import { LockQueue, lockByte, lockOffThread } from ${JSON.stringify(join(import.meta.dirname, "../../../lib/linux/lock.ts"))};
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

describe("a queue", () => {
  beforeEach(() => mkdirSync(join(folder, "state")));

  test("lets those who wait have the lock in the order they came", async () => {
    using first = new LockQueue(file(), 2 ** 32);
    first.lock(0);
    const said: string[] = [];
    const children: ReturnType<typeof start>[] = [];
    for (const name of ["a", "b", "c", "d", "e"]) {
      const child = start(`const queue = new LockQueue(${JSON.stringify(file())}, 2 ** 32);
        queue.lock(600_000);
        writeSync(1, "${name}");
        queue.unlock();`);
      child.stdout.on("data", (text) => said.push(String(text)));
      children.push(child);
      await expect.poll(waiting, { timeout: 30_000 }).toBe(children.length);
    }
    first.unlock();
    await Promise.all(children.map((child) => once(child, "close")));
    expect(said.join("")).toBe("abcde");
  });

  test("is left by who has waited long enough", () => {
    using first = new LockQueue(file(), 0);
    using second = new LockQueue(file(), 0);
    first.lock(0);
    expect(() => second.lock(20)).toThrow(expect.objectContaining({ code: "EAGAIN" }));
    first.unlock();
    second.lock(0);
  });

  test("goes on when who had the lock is killed, with the next", async () => {
    const child = start(`const queue = new LockQueue(${JSON.stringify(file())}, 0);
      queue.lock(0);
      writeSync(1, "locked");
      setInterval(() => {}, 1000);`);
    await once(child.stdout, "data");
    const next = start(`const queue = new LockQueue(${JSON.stringify(file())}, 0);
      queue.lock(600_000);
      writeSync(1, "locked");`);
    await expect.poll(waiting, { timeout: 30_000 }).toBe(1);
    child.kill("SIGKILL");
    expect(String(await once(next.stdout, "data"))).toBe("locked");
  });
});

// The last one, for it is of the whole process.
test("where others need the thread, who waits gets the lock when one of them gives it back", async () => {
  lockOffThread();
  const first = await lockByte(file(), 7, 0);
  const second = lockByte(file(), 7, 10_000);
  setTimeout(() => first[Symbol.dispose](), 20);
  (await second)[Symbol.dispose]();
  using _held = await lockByte(file(), 7, 0);
  await expect(lockByte(file(), 7, 20)).rejects.toMatchObject({ code: "EAGAIN" });
});
