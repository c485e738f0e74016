import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fileLog, timeText, traceOf } from "../../../lib/cni/log.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "log-"));
  path = join(folder, "cni.log");
});
afterEach(() => rmSync(folder, { recursive: true }));

const lines = (file = path) =>
  readFileSync(file, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

test("each line is a JSON object with its context and its fields", () => {
  const log = fileLog(path, { command: "ADD", network: "n" });
  log.info("done", { ms: 3 });
  log.error("failed\nbadly");
  expect(lines()).toMatchObject([
    { level: "info", message: "done", command: "ADD", network: "n", ms: 3 },
    { level: "error", message: "failed\nbadly", command: "ADD", network: "n" },
  ]);
});

test("a full log is moved aside once, and nothing of it is lost", () => {
  const log = fileLog(path, {}, 500);
  for (const number of [1, 2, 3, 4]) log.info("x".repeat(100), { number });
  expect(lines(`${path}.1`).map(({ number }) => number)).toEqual([1, 2]);
  expect(lines().map(({ number }) => number)).toEqual([3, 4]);
});

test("the log never grows beyond its limit, however much is written", () => {
  const log = fileLog(path, {}, 1000);
  for (let i = 0; i < 100; i++) log.info("x".repeat(100));
  for (const file of [path, `${path}.1`]) expect(statSync(file).size).toBeLessThanOrEqual(1000);
});

test("nor does it by the length of a text, wherever in a line", () => {
  const long = "x".repeat(4_000_000);
  const log = fileLog(path, { network: long });
  for (let i = 0; i < 10; i++) log.error(long, { stack: long, faults: [long] });
  const [line] = lines();
  for (const text of [line.network, line.message, line.stack, line.faults[0]]) {
    expect(text).toMatch(/^x{6144}… \(3991808 characters left out\) …x{2048}$/);
  }
  expect(lines()).toHaveLength(10);
});

test.each([
  ["in a folder that is missing", () => join(folder, "missing", "cni.log")],
  ["that is a folder", () => folder],
  [
    "below a file",
    () => {
      writeFileSync(join(folder, "file"), "");
      return join(folder, "file", "cni.log");
    },
  ],
  [
    "that is a FIFO nobody reads",
    () => {
      execFileSync("mkfifo", [join(folder, "fifo")]);
      return join(folder, "fifo");
    },
  ],
])("a log %s is no error, and holds nobody up", (_, where) => {
  expect(() => fileLog(where(), {}).info("lost")).not.toThrow();
});

test("a full log that cannot be moved aside is no error", () => {
  writeFileSync(path, "x".repeat(300));
  mkdirSync(`${path}.1`);
  expect(() => fileLog(path, {}, 200).info("lost")).not.toThrow();
  expect(existsSync(path)).toBe(true);
});

test("fields that JSON cannot hold are no error", () => {
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  expect(() => fileLog(path, {}).info("lost", circle)).not.toThrow();
});

test("the trace context of the caller is carried, where there is one", () => {
  expect(traceOf({ TRACEPARENT: "00-ab-cd-01", TRACESTATE: "", BAGGAGE: "k=v", PATH: "/bin" })).toEqual({
    traceparent: "00-ab-cd-01",
    baggage: "k=v",
  });
});

test.each(["2026-01-02T03:04:05.006Z", "1999-12-31T23:59:59.999Z", "2028-02-29T00:00:00.000Z"])(
  "a line's time is written as %s",
  (text) => {
    expect(timeText(new Date(text))).toBe(text);
  },
);
