import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer as createHttp1Server } from "node:http";
import { createServer as createHttp2Server, type ServerHttp2Stream } from "node:http2";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { askPodResources } from "../../../lib/nic/facts/pod-resources.ts";
import { socketIn } from "../../kubelet/kubelet.ts";

let folder: string;
let socket: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mnc-grpc-"));
  socket = socketIn(folder);
  mkdirSync(dirname(socket));
});
afterEach(() => rmSync(folder, { recursive: true }));

const pod = { uid: "uid-1", namespace: "team-a", name: "train" };
/** What is tested is not how long it takes on a busy machine. */
const patience = 30_000;

describe("kubelet does not tell of a pod where", () => {
  const utf8 = (text: string) => Buffer.from(text);
  const framed = (message: Uint8Array, flag = 0) => {
    const prefix = Buffer.from([flag, 0, 0, 0, 0]);
    prefix.writeUInt32BE(message.length, 1);
    return Buffer.concat([prefix, message]);
  };
  const grpc = { ":status": 200, "content-type": "application/grpc" };
  /** A server of HTTP/2 that answers so. */
  const http2 = (answer: (stream: ServerHttp2Stream) => void) => () => {
    const server = createHttp2Server();
    server.on("stream", (stream) => {
      stream.on("error", () => {});
      answer(stream);
    });
    return server;
  };
  const body = (bytes: Uint8Array, trailers: Record<string, string> = { "grpc-status": "0" }) =>
    http2((stream) => {
      stream.respond(grpc, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers(trailers));
      stream.end(bytes);
    });

  test.each<[string, () => Server, RegExp]>([
    [
      "it hangs up",
      () => createServer((socket) => socket.destroy()),
      /^does not answer \(UNAVAILABLE: .+\)$/,
    ],
    [
      "it is a server of HTTP/1",
      () => createHttp1Server((_, reply) => reply.end("no")),
      /^does not answer \(UNAVAILABLE: .*Protocol error.*\)$/,
    ],
    [
      "it speaks something else",
      () => createServer((socket) => socket.end("SSH-2.0-x\r\n")),
      /^does not answer \(UNAVAILABLE: .*Protocol error.*\)$/,
    ],
    [
      "it answers with another status of HTTP",
      http2((stream) => stream.respond({ ":status": 404 }, { endStream: true })),
      /^does not answer \(UNIMPLEMENTED: Received HTTP status code 404\)$/,
    ],
    ["it breaks the call off", http2((stream) => stream.close(2)), /^does not answer \(INTERNAL: .+\)$/],
    ["it gives no status", body(framed(utf8("")), {}), /^does not answer \(INTERNAL: .+\)$/],
    [
      "it gives a status that is none",
      body(framed(utf8("")), { "grpc-status": "ok" }),
      /^does not answer \(a status that is none\)$/,
    ],
    [
      "it refuses, in many words",
      body(utf8(""), { "grpc-status": "13", "grpc-message": `a%0Ab%zz${"c".repeat(300)}` }),
      /^does not answer \(INTERNAL: a%0Ab%zzc{192}\)$/,
    ],
    [
      "it refuses, on several lines",
      body(utf8(""), { "grpc-status": "13", "grpc-message": "a%0A%1B[31mb" }),
      /^does not answer \(INTERNAL: a \[31mb\)$/,
    ],
    ["it gives no message", body(utf8("")), /^does not answer \(UNIMPLEMENTED: No message received\)$/],
    ["its message is cut short", body(framed(utf8("abc")).subarray(0, 7)), /No message received/],
    ["its message is compressed", body(framed(utf8(""), 1)), /^does not answer \(INTERNAL: /],
    ["its message is no message", body(framed(utf8("\xff\xff"))), /^answers with what is no answer \(.+\)$/],
    [
      "its message has a text that is none",
      body(framed(Buffer.from([10, 3, 10, 1, 0xff]))),
      /^answers with what is no answer \(.+\)$/,
    ],
  ])("%s", async (_title, make, reason) => {
    expect(await askAt(make(), patience)).toEqual({ reason: expect.stringMatching(reason) });
  });

  test.each<[string, () => Server]>([
    ["it takes the connection and says nothing", () => createServer()],
    ["it begins its answer and does not end it", http2((stream) => stream.respond(grpc))],
    // grpc-js waits for what would tell which of them counts.
    ["it gives two messages", body(Buffer.concat([framed(utf8("")), framed(utf8(""))]))],
  ])("%s", async (_title, make) => {
    expect(await askAt(make())).toEqual({
      reason: expect.stringMatching(/^does not answer \(DEADLINE_EXCEEDED: .+\)$/),
    });
  });

  async function askAt(server: Server, ms?: number) {
    const open = new Set<{ destroy(): void }>();
    server.on("connection", (connection) => open.add(connection));
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    onTestFinished(() => {
      for (const connection of open) connection.destroy();
      server.close();
    });
    return await askPodResources(socket, pod, ms);
  }

  /** A socket of perl's, which has those that Node has not. */
  const bound = (type: string, then: string) => [
    "-MSocket",
    "-e",
    `socket(S, PF_UNIX, ${type}, 0); bind(S, sockaddr_un($ARGV[0])) or die; $| = 1; print "bound"; ${then}`,
    socket,
  ];

  test.each([
    [
      "nobody serves its socket any more",
      "SOCK_STREAM",
      "",
      /^does not answer \(UNAVAILABLE: .*ECONNREFUSED.*\)$/,
    ],
    [
      "its socket is one of datagrams",
      "SOCK_DGRAM",
      "sleep 60",
      /^does not answer \(UNAVAILABLE: .*EPROTOTYPE.*\)$/,
    ],
  ])("%s", async (_title, type, then, reason) => {
    const perl = spawn("perl", bound(type, then), { stdio: ["ignore", "pipe", "inherit"] });
    onTestFinished(() => void perl.kill("SIGKILL"));
    await once(perl.stdout, "data");
    if (then === "") await once(perl, "exit");
    expect(await askPodResources(socket, pod, patience)).toEqual({ reason: expect.stringMatching(reason) });
  });

  test("its socket's path is longer than one may be", async () => {
    const told = await askPodResources(`${folder}/${"x".repeat(120)}`, pod, patience);
    expect(told).toEqual({ reason: expect.stringMatching(/^does not answer \(UNAVAILABLE: .*EINVAL.*\)$/) });
  });
});
