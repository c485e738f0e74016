import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { answerBytes, magic, readRequest } from "../../daemon/protocol.ts";
import { root } from "../../scripts/build/project.ts";

/** The thin client as scripts/build-native.sh compiles it. */
export const client = join(root, "build/native", `client-${process.arch}`);

/** What a daemon of a test does with a connection. */
export type Script = (socket: Socket) => void;

/** A CNI folder with the client, a stand-in for the standalone executable, and a state folder. */
export interface Stage extends AsyncDisposable {
  readonly stateDir: string;
  readonly folder: string;
  /** Listens where a daemon would. */
  serve(script: Script): Promise<Server>;
  call(options: CallOptions): Promise<Ended>;
  /** How many times the stand-in ran */
  standaloneRuns(): number;
}

export interface CallOptions {
  readonly command?: string;
  readonly input?: string | Buffer;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Words before the client's */
  readonly before?: readonly string[];
}

export interface Ended {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** What was compiled once. */
const compiled = mkdtempSync(join(tmpdir(), "mnc-compiled-"));
process.once("exit", () => rmSync(compiled, { recursive: true }));

function compile(name: string): string {
  const file = join(compiled, name);
  execFileSync("cc", ["-O2", "-o", file, join(import.meta.dirname, `${name}.c`)]);
  return file;
}

const standIn = compile("stand-in");
/** Runs the client with a full pipe that does not block. */
export const slowPipe = compile("slow-pipe");

export function makeStage({ withStandalone = true } = {}): Stage {
  const folder = mkdtempSync(join(tmpdir(), "mnc-client-"));
  const stateDir = join(folder, "state");
  const log = join(folder, "runs");
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  copyFileSync(client, join(folder, "multi-nic"));
  chmodSync(join(folder, "multi-nic"), 0o755);
  if (withStandalone) copyFileSync(standIn, join(folder, "multi-nic-cni"));
  return {
    folder,
    stateDir,
    serve: async (script) => {
      mkdirSync(stateDir, { recursive: true });
      const server = createServer((socket) => {
        sockets.add(socket);
        socket.on("error", () => {});
        script(socket);
      });
      servers.push(server);
      await new Promise<void>((resolve) => server.listen(join(stateDir, "cni.sock"), resolve));
      return server;
    },
    call: async ({ command = "ADD", input = "{}", args = [], env = {}, before = [] }) => {
      const [program = "", ...words] = [...before, join(folder, "multi-nic"), ...args];
      const ran = await execa(program, words, {
        input,
        env: {
          PATH: process.env.PATH ?? "",
          STAND_IN_LOG: log,
          MULTI_NIC_CNI_STATE_DIR: stateDir,
          ...(command === "" ? {} : { CNI_COMMAND: command }),
          ...env,
        },
        extendEnv: false,
        reject: false,
        timeout: 20_000,
      });
      return { exitCode: ran.exitCode, stdout: ran.stdout, stderr: ran.stderr };
    },
    standaloneRuns: () => (existsSync(log) ? readFileSync(log, "utf8").split("\n").length - 1 : 0),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      for (const server of servers) await new Promise((resolve) => server.close(resolve));
      rmSync(folder, { recursive: true });
    },
  };
}

/** Calls `then` with the connection once the whole request has come. */
export function onRequest(then: (socket: Socket, stdin: string) => void): Script {
  return (socket) => {
    let bytes = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      const reading = readRequest(bytes);
      if (reading.state === "whole") then(socket, reading.call.stdin);
    });
  };
}

/** A daemon that takes a call and gives this answer to it. */
export const answering = (stdout: string, exitCode: 0 | 1 = 0, stderr = ""): Script =>
  onRequest((socket) => {
    socket.write(magic);
    socket.end(answerBytes({ stdout, stderr, exitCode }));
  });
