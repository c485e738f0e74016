import { execFileSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readAll, readBriefly } from "../../../lib/cni/stdin.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "stdin-"));
  writeFileSync(join(folder, "conf"), '{"name":"n"}');
  execFileSync("mkfifo", [join(folder, "fifo")]);
});
afterAll(() => rmSync(folder, { recursive: true }));

test("a file is read to its end", () => {
  const fd = openSync(join(folder, "conf"), "r");
  expect(readAll(fd)).toBe('{"name":"n"}');
  closeSync(fd);
});

test("what is larger than the limit is code 5", () => {
  const fd = openSync(join(folder, "conf"), "r");
  expect(() => readAll(fd, 5)).toThrow(expect.objectContaining({ code: 5 }));
  closeSync(fd);
});

test("what is just as large as the limit is read", () => {
  const fd = openSync(join(folder, "conf"), "r");
  expect(readAll(fd, 12)).toBe('{"name":"n"}');
  closeSync(fd);
});

test("a folder is code 5, with the errno in the details", () => {
  const fd = openSync(folder, "r");
  expect(() => readAll(fd)).toThrow(expect.objectContaining({ code: 5, details: "EISDIR" }));
  closeSync(fd);
});

test("a descriptor that is not open for reading is code 5", () => {
  const fd = openSync(join(folder, "written"), "w");
  expect(() => readAll(fd)).toThrow(expect.objectContaining({ code: 5, details: "EBADF" }));
  closeSync(fd);
});

test("a pipe that is not at its end is waited for no longer than a moment, and is answered with what it holds", async () => {
  const fifo = openSync(join(folder, "fifo"), constants.O_RDWR | constants.O_NONBLOCK);
  writeSync(fifo, '{"cniVersion":"1.0.0"}');
  expect(await readBriefly(fifo)).toBe('{"cniVersion":"1.0.0"}');
  expect(await readBriefly(fifo)).toBe("");
  closeSync(fifo);
});

test.each(["/dev/null", "/"])("nothing is found briefly in %s, and nothing is thrown", async (path) => {
  const fd = openSync(path, "r");
  expect(await readBriefly(fd)).toBe("");
  closeSync(fd);
});
