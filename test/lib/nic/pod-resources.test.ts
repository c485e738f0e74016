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
import { type GetOf, podWith, type Served, serveKubelet, socketIn } from "../../kubelet/kubelet.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mnc-kubelet-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const pod = { uid: "uid-1", namespace: "team-a", name: "train" };
const gpu = { resource: "amd.com/gpu", id: "0000:3b:00.0", numaNode: 0 };
const other = { ...podWith("0000:99:00.0"), name: "other" };

async function ask(served: Served) {
  using kubelet = await serveKubelet(folder, served);
  return { told: await askPodResources(kubelet.socket, pod), calls: kubelet.calls };
}

describe("kubelet is asked for a pod's devices", () => {
  test.each<[string, GetOf, string[], string]>([
    ["by Get where it has that", "served", ["Get"], "Get"],
    ["by List where Get is behind a gate that is closed", "disabled", ["Get", "List"], "List"],
    ["by List where it is older than Get", "unknown to it", ["List"], "List"],
  ])("%s", async (_title, get, calls, method) => {
    const asked = await ask({ pods: [other, podWith(gpu.id)], get });
    expect(asked).toEqual({ told: { method, devices: [gpu] }, calls });
  });

  test("and tells of a pod that has none", async () => {
    const { told } = await ask({ pods: [{ namespace: "team-a", name: "train" }] });
    expect(told).toEqual({ method: "Get", devices: [] });
  });

  test("among 1,000 pods", async () => {
    const pods = Array.from({ length: 1000 }, (_, at) => ({ ...podWith(`GPU-${at}`), name: `train-${at}` }));
    const { told } = await ask({ pods: [...pods, podWith(gpu.id)], get: "disabled" });
    expect(told).toEqual({ method: "List", devices: [gpu] });
  });
});

describe("why kubelet does not tell", () => {
  const many = Array.from({ length: 40_000 }, (_, at) => `GPU-${at}-${"0".repeat(100)}`);
  test.each<[string, Served, string[], RegExp]>([
    ["it does not know the pod", { pods: [other] }, ["Get", "List"], /^does not know pod team-a\/train$/],
    [
      "it knows one of that name in another namespace",
      { pods: [{ ...podWith(gpu.id), namespace: "team-b" }], get: "disabled" },
      ["Get", "List"],
      /^does not know pod team-a\/train$/,
    ],
    [
      "it lists the pod before this one too",
      { pods: [podWith("0000:99:00.0"), podWith(gpu.id)], get: "unknown to it" },
      ["List"],
      /^knows several pods team-a\/train$/,
    ],
    [
      "it is asked too often",
      { pods: [podWith(gpu.id)], get: "too often" },
      ["Get"],
      /^answers with gRPC status 8 \(rejected by rate limit\)$/,
    ],
    [
      "its answer is larger than the limit",
      {
        pods: [
          podWith(gpu.id),
          { ...other, containers: [{ devices: [{ resource_name: "x/y", device_ids: many }] }] },
        ],
        get: "disabled",
      },
      ["Get", "List"],
      /^answers with more than 4194304 bytes$/,
    ],
    [
      "the pod has more devices than any",
      {
        pods: [
          {
            ...podWith(gpu.id),
            containers: [{ devices: [{ resource_name: "x/y", device_ids: many.slice(0, 1025) }] }],
          },
        ],
      },
      ["Get"],
      /^answers with what is no answer \(one pod has more than 1024 devices\)$/,
    ],
  ])("%s", async (_title, served, calls, reason) => {
    expect(await ask(served)).toEqual({ told: { reason: expect.stringMatching(reason) }, calls });
  });

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

  test.each<[string, () => Server | ReturnType<typeof createHttp1Server>, RegExp]>([
    ["it takes the connection and says nothing", () => createServer(), /^has not answered within 1000 ms$/],
    [
      "it never ends its answer",
      http2((stream) => stream.respond(grpc)),
      /^has not answered within 1000 ms$/,
    ],
    [
      "it hangs up",
      () => createServer((socket) => socket.destroy()),
      /^(cannot be talked to \(\w+\)|has closed the connection|has ended the call without an answer)$/,
    ],
    [
      "it is a server of HTTP/1",
      () => createHttp1Server((_, reply) => reply.end("no")),
      /^cannot be talked to \(\w+\)$/,
    ],
    [
      "it speaks something else",
      () => createServer((socket) => socket.end("SSH-2.0-x\r\n")),
      /^cannot be talked to \(\w+\)$/,
    ],
    [
      "it answers with another status of HTTP",
      http2((stream) => stream.respond({ ":status": 404 }, { endStream: true })),
      /^answers with HTTP status 404$/,
    ],
    [
      "it breaks the call off",
      http2((stream) => stream.close(2)),
      /^(cannot be talked to \(\w+\)|has ended the call without an answer)$/,
    ],
    ["it gives no status", body(framed(utf8("")), {}), /^has ended the call without a status$/],
    [
      "it gives a status that is none",
      body(framed(utf8("")), { "grpc-status": "ok" }),
      /^has ended the call without a status$/,
    ],
    [
      "it refuses, in many words",
      body(utf8(""), { "grpc-status": "13", "grpc-message": `a%0Ab%zz${"c".repeat(300)}` }),
      /^answers with gRPC status 13 \(a%0Ab%zzc{190,}\)$/,
    ],
    [
      "it refuses, on several lines",
      body(utf8(""), { "grpc-status": "13", "grpc-message": "a%0A%1B[31mb" }),
      /^answers with gRPC status 13 \(a \[31mb\)$/,
    ],
    ["it gives no message", body(utf8("")), /^answers with a message that is cut short, or with several$/],
    ["its message is cut short", body(framed(utf8("abc")).subarray(0, 7)), /cut short/],
    ["it gives two messages", body(Buffer.concat([framed(utf8("")), framed(utf8(""))])), /or with several$/],
    ["its message is compressed", body(framed(utf8(""), 1)), /^answers with a compressed message/],
    ["its message is no message", body(framed(utf8("\xff\xff"))), /^answers with what is no answer \(.+\)$/],
    [
      "its message has a text that is none",
      body(framed(Buffer.from([10, 3, 10, 1, 0xff]))),
      /^answers with what is no answer \(.+\)$/,
    ],
  ])("%s", async (_title, make, reason) => {
    const socket = socketIn(folder);
    mkdirSync(dirname(socket), { recursive: true });
    const server = make();
    const open = new Set<{ destroy(): void }>();
    server.on("connection", (connection) => open.add(connection));
    await new Promise<void>((resolve) => server.listen(socket, resolve));
    onTestFinished(() => {
      for (const connection of open) connection.destroy();
      server.close();
    });
    expect(await askPodResources(socket, pod)).toEqual({ reason: expect.stringMatching(reason) });
  });

  /** A socket of perl's, which has those that Node has not. */
  const bound = (type: string, then: string) => [
    "-MSocket",
    "-e",
    `socket(S, PF_UNIX, ${type}, 0); bind(S, sockaddr_un($ARGV[0])) or die; $| = 1; print "bound"; ${then}`,
    socketIn(folder),
  ];

  test.each([
    ["nobody serves its socket any more", "SOCK_STREAM", "", /^cannot be talked to \(ECONNREFUSED\)$/],
    ["its socket is one of datagrams", "SOCK_DGRAM", "sleep 60", /^cannot be talked to \(EPROTOTYPE\)$/],
  ])("%s", async (_title, type, then, reason) => {
    mkdirSync(dirname(socketIn(folder)), { recursive: true });
    const perl = spawn("perl", bound(type, then), { stdio: ["ignore", "pipe", "inherit"] });
    onTestFinished(() => void perl.kill("SIGKILL"));
    await once(perl.stdout, "data");
    if (then === "") await once(perl, "exit");
    expect(await askPodResources(socketIn(folder), pod)).toEqual({ reason: expect.stringMatching(reason) });
  });

  test("its socket's path is longer than one may be", async () => {
    const told = await askPodResources(`${folder}/${"x".repeat(120)}`, pod);
    expect(told).toEqual({ reason: expect.stringMatching(/^cannot be talked to \(\w+\)$/) });
  });

  test("it restarts between two calls", async () => {
    using kubelet = await serveKubelet(folder, { pods: [podWith(gpu.id)], get: "stops there" });
    const told = await askPodResources(kubelet.socket, pod);
    expect(told).toEqual({
      reason: expect.stringMatching(/^(cannot be talked to|has closed|answers with gRPC status 14)/),
    });
  });
});
