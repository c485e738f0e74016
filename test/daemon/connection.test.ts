import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { serveConnection } from "../../daemon/connection.ts";
import type { Turn } from "../../daemon/turns.ts";
import type { Caller } from "../../lib/cni/invocation.ts";

const turn: Turn = { aside: (wait) => wait() };
const loop = () => new Promise((resolve) => setImmediate(resolve));

/** A client whose call was taken, and the daemon's side of it. */
let client: Socket;
let jobs: ((turn: Turn) => Promise<void>)[];
let served: Caller[];
let unanswered: number;
let answer: () => void;
let end: () => void;

beforeEach(async () => {
  const folder = mkdtempSync(join(tmpdir(), "connection-"));
  jobs = [];
  served = [];
  unanswered = 0;
  const server = createServer((socket) =>
    serveConnection(socket, {
      objection: () => undefined,
      inTurn: (job) => jobs.push(job),
      declined: () => {},
      serve: (_call, caller) => {
        served.push(caller);
        return new Promise((resolve) => {
          answer = () => resolve({ stdout: "", stderr: "", exitCode: 0 });
        });
      },
      unanswered: () => {
        unanswered++;
      },
    }),
  );
  server.listen(join(folder, "s"));
  await once(server, "listening");
  client = connect(join(folder, "s"));
  const body = "multi-nic\0\0\0\0{}";
  const size = Buffer.alloc(4);
  size.writeUInt32LE(body.length);
  client.write(Buffer.concat([Buffer.from("MNC1"), size, Buffer.from(body)]));
  await once(client, "data");
  end = () => {
    client.destroy();
    server.close();
    rmSync(folder, { recursive: true });
  };
});
afterEach(() => end());

test("a taken call whose client left before its turn is not served", async () => {
  client.destroy();
  for (let i = 0; i < 10; i++) await loop();
  await jobs[0]?.(turn);
  expect({ served, unanswered }).toEqual({ served: [], unanswered: 1 });
});

test("a call that is at work is told when its client leaves", async () => {
  const ended = jobs[0]?.(turn);
  expect(served[0]?.hasLeft()).toBe(false);
  client.destroy();
  await vi.waitFor(() => expect(served[0]?.hasLeft()).toBe(true));
  answer();
  await ended;
  expect(unanswered).toBe(1);
});

test("a call whose client waits is answered", async () => {
  const ended = jobs[0]?.(turn);
  answer();
  await ended;
  expect([...((await once(client, "data"))[0] as Buffer)]).toEqual(Array(12).fill(0));
  expect({ unanswered, hasLeft: served.length }).toEqual({ unanswered: 0, hasLeft: 1 });
});
