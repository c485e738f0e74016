import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { answerBytes, magic } from "../../daemon/protocol.ts";
import {
  answering,
  type CallOptions,
  makeStage,
  onRequest,
  type Script,
  slowPipe,
} from "./scripted-daemon.ts";

const answer = answerBytes({ stdout: "result", stderr: "", exitCode: 0 });
const long = "x".repeat(3_000_000);
const standalone = /^standalone multi-nic \[\] \w+ 2 \{\}$/;

/** A daemon's behaviour, and what then becomes of a call. */
type Row = readonly [title: string, daemon: Script];

describe("the thin client prints the daemon's answer", () => {
  const rows: readonly (readonly [
    title: string,
    daemon: Script,
    expected: { exitCode: number; stdout: string; stderr: string },
  ])[] = [
    ["a result", answering("result"), { exitCode: 0, stdout: "result", stderr: "" }],
    ["an error", answering("error", 1, "words"), { exitCode: 1, stdout: "error", stderr: "words" }],
    ["nothing", answering(""), { exitCode: 0, stdout: "", stderr: "" }],
    ["a long one", answering(long), { exitCode: 0, stdout: long, stderr: "" }],
    [
      "one that comes byte by byte",
      onRequest(async (socket) => {
        for (const byte of Buffer.concat([Buffer.from(magic), answer])) {
          socket.write(Buffer.of(byte));
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
      }),
      { exitCode: 0, stdout: "result", stderr: "" },
    ],
    [
      "one that comes a second after the call was taken",
      onRequest((socket) => {
        socket.write(magic);
        setTimeout(() => socket.end(answer), 1000);
      }),
      { exitCode: 0, stdout: "result", stderr: "" },
    ],
  ];
  test.each(rows)("%s", async (_title, daemon, expected) => {
    await using stage = makeStage();
    await stage.serve(daemon);
    expect(await stage.call({})).toEqual(expected);
    expect(stage.standaloneRuns()).toBe(0);
  });
});

test("the thin client prints all of an answer though stdout is full for a while, and does not block", async () => {
  await using stage = makeStage();
  const answered = "x".repeat(61_000);
  await stage.serve(answering(answered));
  const { exitCode, stdout } = await stage.call({ before: [slowPipe] });
  expect({ exitCode, size: stdout.length }).toEqual({ exitCode: 0, size: answered.length });
});

test("the thin client does not say that a call went well whose answer it could not print", async () => {
  await using stage = makeStage();
  await stage.serve(answering("result"));
  const before = ["sh", "-c", 'exec "$0" >/dev/full'];
  expect(await stage.call({ before })).toMatchObject({ exitCode: 1 });
});

// By proc_pid_syscall(5): the number of the call and its arguments; elsewhere poll(2) is ppoll, with its time in memory.
describe.runIf(process.arch === "x64")("the thin client waits for the answer", () => {
  test.each([
    ["ADD", 240_000],
    ["DEL", 120_000],
    ["CHECK", 120_000],
  ])("to %s for %i ms", async (command, patience) => {
    await using stage = makeStage();
    const file = join(stage.folder, "pid");
    let left = 0;
    await stage.serve(
      onRequest(async (socket) => {
        socket.write(magic);
        await vi.waitFor(() => {
          const call = readFileSync(`/proc/${readFileSync(file, "utf8").trim()}/syscall`, "utf8");
          left = Number(/^7 0x[0-9a-f]+ 0x1 (0x[0-9a-f]+) /.exec(call)?.[1] ?? 0);
          expect(left).toBeGreaterThan(1_000);
        });
        socket.end(answer);
      }),
    );
    const before = ["sh", "-c", `echo $$ >${file}; exec "$0"`];
    expect(await stage.call({ command, before })).toMatchObject({ exitCode: 0, stdout: "result" });
    expect(left).toBeGreaterThan(patience - 10_000);
    expect(left).toBeLessThanOrEqual(patience);
  });
});

describe.each(["ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION"])(
  "%s is served by the standalone executable",
  (command) => {
    const rows: readonly Row[] = [
      ["where the connection ends at once", (socket) => socket.destroy()],
      ["where the daemon leaves once it has the request", onRequest((socket) => socket.destroy())],
      ["where the daemon does not take the call in time", () => {}],
      [
        "where the daemon takes the call too late",
        onRequest((socket) => setTimeout(() => socket.end(magic), 400)),
      ],
      ["where the daemon speaks another protocol", onRequest((socket) => socket.end("MNC9 and more"))],
      ["where the daemon says half a word", onRequest((socket) => socket.end(magic.slice(0, 2)))],
    ];
    test.each(rows)("%s", async (_title, daemon) => {
      await using stage = makeStage();
      await stage.serve(daemon);
      expect(await stage.call({ command })).toMatchObject({
        exitCode: 0,
        stdout: expect.stringMatching(standalone),
      });
      expect(stage.standaloneRuns()).toBe(1);
    });

    test("where there is no daemon", async () => {
      await using stage = makeStage();
      expect(await stage.call({ command })).toMatchObject({
        exitCode: 0,
        stdout: expect.stringMatching(standalone),
      });
    });
  },
);

describe("a call that was taken and not answered", () => {
  const rows: readonly Row[] = [
    ["the daemon leaves", onRequest((socket) => socket.end(magic))],
    [
      "the answer is cut off",
      onRequest((socket) => socket.end(magic + answer.toString("latin1").slice(0, -1))),
    ],
    [
      "the answer's header is cut off",
      onRequest((socket) => socket.end(Buffer.concat([Buffer.from(magic), answer.subarray(0, 7)]))),
    ],
    [
      "the answer claims to be larger than any",
      onRequest((socket) => {
        const huge = Buffer.from(answer);
        huge.writeUInt32LE(0xffffffff, 4);
        huge.writeUInt32LE(0xffffffff, 8);
        socket.end(Buffer.concat([Buffer.from(magic), huge]));
      }),
    ],
  ];
  test.each(rows)("is code 11 for ADD: %s", async (_title, daemon) => {
    await using stage = makeStage();
    await stage.serve(daemon);
    const { exitCode, stdout } = await stage.call({ command: "ADD" });
    expect({ exitCode, document: JSON.parse(stdout) }).toMatchObject({
      exitCode: 1,
      document: { code: 11, msg: expect.stringMatching(/took this ADD and gave no answer.*DEL takes away/) },
    });
    expect(stage.standaloneRuns()).toBe(0);
  });
  test.each(rows)("is served again for DEL: %s", async (_title, daemon) => {
    await using stage = makeStage();
    await stage.serve(daemon);
    expect(await stage.call({ command: "DEL" })).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(standalone),
    });
    expect(stage.standaloneRuns()).toBe(1);
  });
});

describe("the client does not ask the daemon", () => {
  const rows: readonly (readonly [title: string, options: CallOptions, stdout: RegExp])[] = [
    ["with an argument", { args: ["--help"], command: "" }, /^standalone multi-nic \[--help\]/],
    ["without a command", { command: "" }, /^standalone multi-nic \[\]/],
    ["with a configuration past 64 KiB", { input: "y".repeat(65_537) }, /ADD 65537 y+$/],
    ["with one of 3 MB", { input: `${"y".repeat(3_000_000)}the end` }, /ADD 3000007 y+the end$/],
    [
      "with one larger than the standalone takes: it gets enough to see that",
      { input: Buffer.alloc(9_000_000, "y") },
      /ADD 5\d{6} y+$/,
    ],
    [
      "with an environment past the request's size",
      { env: { LARGE: "z".repeat(100_000), LARGER: "z".repeat(100_000) } },
      standalone,
    ],
    [
      "with a state folder whose socket cannot have so long a name",
      { env: { MULTI_NIC_CNI_STATE_DIR: `/${"d".repeat(120)}` } },
      standalone,
    ],
  ];
  test.each(rows)("%s", async (_title, options, stdout) => {
    await using stage = makeStage();
    await stage.serve(answering("the daemon's"));
    expect(await stage.call(options)).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(stdout) });
  });
});

test("it hands over stdin, the environment and its name", async () => {
  await using stage = makeStage();
  await stage.serve(
    onRequest((socket, stdin) => {
      socket.write(magic);
      socket.end(answerBytes({ stdout: stdin, stderr: "", exitCode: 0 }));
    }),
  );
  const input = `{"name":"ü","a":"${"b".repeat(65_000)}"}`;
  expect(await stage.call({ input })).toMatchObject({ exitCode: 0, stdout: input });
});

test("without the standalone executable and a daemon it says what is missing", async () => {
  await using stage = makeStage({ withStandalone: false });
  const { exitCode, stdout } = await stage.call({});
  expect({ exitCode, document: JSON.parse(stdout) }).toMatchObject({
    exitCode: 1,
    document: {
      code: 5,
      msg: expect.stringMatching(/multi-nic-cni cannot be run; install it/),
      details: "No such file or directory",
    },
  });
});
