import { afterEach, describe, expect, test, vi } from "vitest";
import type { Message, Request } from "../../../lib/netlink/codec.ts";
import { NetlinkError } from "../../../lib/netlink/error.ts";
import { deleteLink, dumpLinks, getLinkByIndex } from "../../../lib/netlink/message/link.ts";
import { NetlinkSocket } from "../../../lib/netlink/socket.ts";
import { ack, done, fakeTransport, type Reaction } from "./fake-transport.ts";

const batchOf = (count: number): Request[] =>
  Array.from({ length: count }, (_, index) => deleteLink(index + 1));
const grant = (messages: readonly Message[]): Reaction => messages.map(({ seq }) => ack(seq));

async function refusal(promise: Promise<unknown>): Promise<NetlinkError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof NetlinkError)) throw new Error(`no NetlinkError but ${String(error)}`);
  return error;
}

afterEach(() => {
  vi.useRealTimers();
});

describe("a batch", () => {
  test("goes out in one send and comes back as a list of replies per request", async () => {
    const transport = fakeTransport((messages) =>
      messages.flatMap(({ seq, type }) => (type === 18 ? [{ type: 16, seq }, ack(seq)] : [ack(seq)])),
    );
    const answers = await new NetlinkSocket(transport).request([
      deleteLink(1),
      getLinkByIndex(2),
      deleteLink(3),
    ]);
    expect(transport.sends).toHaveLength(1);
    expect(answers.map((replies) => replies.map(({ type }) => type))).toEqual([[], [16], []]);
  });

  test("of none sends nothing", async () => {
    const transport = fakeTransport(grant);
    expect(await new NetlinkSocket(transport).request([])).toEqual([]);
    expect(transport.sends).toEqual([]);
  });

  test("asks for an acknowledgement of each message", async () => {
    const transport = fakeTransport(grant);
    await new NetlinkSocket(transport).request([
      { type: 17, flags: 1, body: new Uint8Array(16), label: "x" },
    ]);
    expect(transport.sends[0]?.[0]?.flags).toBe(5);
  });

  test("of 200 goes out in four sends, each after the former is answered", async () => {
    const transport = fakeTransport(grant);
    expect(await new NetlinkSocket(transport).request(batchOf(200))).toHaveLength(200);
    expect(transport.sends.map((messages) => messages.length)).toEqual([64, 64, 64, 8]);
  });

  test("waits for the one before it", async () => {
    const transport = fakeTransport(grant);
    const socket = new NetlinkSocket(transport);
    await Promise.all([socket.request(batchOf(1)), socket.request(batchOf(2)), socket.request(batchOf(3))]);
    expect(transport.sends.map((messages) => messages.map(({ seq }) => seq))).toEqual([
      [1],
      [2, 3],
      [4, 5, 6],
    ]);
  });

  test("that is refused does not stop the one behind it", async () => {
    const transport = fakeTransport((messages, nth) =>
      messages.map(({ seq }) => ack(seq, nth === 1 ? 19 : 0)),
    );
    const socket = new NetlinkSocket(transport);
    const [first, second] = await Promise.allSettled([
      socket.request(batchOf(1)),
      socket.request(batchOf(1)),
    ]);
    expect([first.status, second.status]).toEqual(["rejected", "fulfilled"]);
  });

  test("holds the process only while it waits", async () => {
    const transport = fakeTransport(grant);
    const socket = new NetlinkSocket(transport);
    expect(transport.held()).toBe(false);
    const answered = socket.request(batchOf(1));
    await Promise.resolve();
    expect(transport.held()).toBe(true);
    await answered;
    expect(transport.held()).toBe(false);
  });
});

describe("refusals", () => {
  test("are reported once all is answered: the first is thrown, and has the others", async () => {
    const errnos = [0, 17, 0, 16];
    const transport = fakeTransport((messages) => messages.map(({ seq }, index) => ack(seq, errnos[index])));
    const error = await refusal(new NetlinkSocket(transport).request(batchOf(4)));
    expect(error.message).toBe("delete link 2: File exists (EEXIST)");
    expect(error).toMatchObject({ errno: 17, code: "EEXIST", index: 1, request: "delete link 2" });
    expect(error.others.map(({ code, index }) => [code, index])).toEqual([["EBUSY", 3]]);
  });

  test("in a batch of several sends have their place in the batch", async () => {
    const transport = fakeTransport((messages, nth) =>
      messages.map(({ seq }, index) => ack(seq, nth === 2 && index === 5 ? 1 : 0)),
    );
    expect((await refusal(new NetlinkSocket(transport).request(batchOf(100)))).index).toBe(69);
  });
});

describe("dumps", () => {
  const links = (seq: number, flags: number) => [
    { type: 16, flags, seq },
    { type: 16, flags, seq },
  ];

  test("end with NLMSG_DONE", async () => {
    const transport = fakeTransport(([message]) => [...links(message?.seq ?? 0, 2), done(message?.seq ?? 0)]);
    const [replies] = await new NetlinkSocket(transport).request([dumpLinks()]);
    expect(replies).toHaveLength(2);
  });

  test("go one after the other, for a socket has one dump at a time", async () => {
    const transport = fakeTransport((messages) =>
      messages.map(({ seq, type }) => (type === 18 ? done(seq) : ack(seq))),
    );
    await new NetlinkSocket(transport).request([deleteLink(1), dumpLinks(), dumpLinks(), deleteLink(2)]);
    expect(transport.sends.map((messages) => messages.length)).toEqual([2, 1, 1]);
  });

  test("that changed under way are repeated, alone", async () => {
    const transport = fakeTransport((messages, nth) =>
      messages.flatMap(({ seq, type }) =>
        type === 18 ? [...links(seq, nth < 3 ? 0x12 : 0x2), done(seq)] : [ack(seq)],
      ),
    );
    const answers = await new NetlinkSocket(transport).request([deleteLink(1), dumpLinks()]);
    expect(transport.sends.map((messages) => messages.length)).toEqual([2, 1, 1]);
    expect(answers.map((replies) => replies.length)).toEqual([0, 2]);
  });

  test("that never stop changing are given up", async () => {
    const transport = fakeTransport(([message]) => [done(message?.seq ?? 0, 0x12)]);
    const error = await refusal(new NetlinkSocket(transport).request([dumpLinks()]));
    expect(error.message).toBe(
      "list the links: Interrupted system call (EINTR): it changed during each of 5 attempts",
    );
    expect(transport.sends).toHaveLength(5);
  });

  test("whose replies were lost are repeated", async () => {
    const transport = fakeTransport(([message], nth) =>
      nth === 1 ? { receiveError: 105 } : [...links(message?.seq ?? 0, 2), done(message?.seq ?? 0)],
    );
    const [replies] = await new NetlinkSocket(transport).request([dumpLinks()]);
    expect(replies).toHaveLength(2);
  });
});

describe("a socket that fails", () => {
  test("over lost replies to what is no dump: what was done is not known, and not repeated", async () => {
    const transport = fakeTransport(() => ({ receiveError: 105 }));
    const error = await refusal(new NetlinkSocket(transport).request(batchOf(2)));
    expect(error).toMatchObject({ code: "ENOBUFS", index: 0, request: "delete link 1" });
    expect(transport.sends).toHaveLength(1);
  });

  test("over a send that is refused", async () => {
    const transport = fakeTransport(() => ({ sendError: 90 }));
    expect((await refusal(new NetlinkSocket(transport).request(batchOf(1)))).code).toBe("EMSGSIZE");
  });

  test("over bytes that are no messages", async () => {
    const transport = fakeTransport(([message]) => [
      { type: 2, seq: message?.seq ?? 0, body: new Uint8Array(2) },
    ]);
    expect((await refusal(new NetlinkSocket(transport).request(batchOf(1)))).code).toBe("EPROTO");
  });

  test("names the request that was not answered, and what was refused before it", async () => {
    const transport = fakeTransport((messages, nth) =>
      nth === 1 ? messages.map(({ seq }) => ack(seq, 19)) : { receiveError: 12 },
    );
    const error = await refusal(new NetlinkSocket(transport).request(batchOf(65)));
    expect(error).toMatchObject({ code: "ENOMEM", index: 64, request: "delete link 65" });
    expect(error.others).toHaveLength(64);
  });

  test("takes nothing from another process", async () => {
    const transport = fakeTransport(() => undefined);
    const answered = new NetlinkSocket(transport).request(batchOf(1));
    await new Promise(setImmediate);
    transport.deliver(ack(1, 1), 4711);
    transport.deliver(ack(1));
    expect(await answered).toEqual([[]]);
  });

  test("takes late answers to what was given up for nothing", async () => {
    const transport = fakeTransport((messages, nth) => (nth === 1 ? { receiveError: 105 } : grant(messages)));
    const socket = new NetlinkSocket(transport);
    await refusal(socket.request(batchOf(1)));
    const answered = socket.request(batchOf(1));
    transport.deliver(ack(1, 1));
    expect(await answered).toEqual([[]]);
  });
});

describe("a kernel that does not answer", () => {
  test("is given 5 s", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const error = refusal(new NetlinkSocket(fakeTransport(() => undefined)).request(batchOf(1)));
    await vi.advanceTimersByTimeAsync(4_999);
    await vi.advanceTimersByTimeAsync(1);
    expect((await error).message).toBe(
      "delete link 1: Connection timed out (ETIMEDOUT): no answer from the kernel within 5 s",
    );
  });

  test("has answered where the answer came while sendmsg kept the loop from running", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const transport = fakeTransport(() => undefined);
    const answered = new NetlinkSocket(transport).request(batchOf(1));
    await vi.advanceTimersByTimeAsync(4_999);
    // A loop that was kept runs its timers first, then reads.
    vi.advanceTimersByTime(1);
    transport.deliver(ack(1));
    expect(await answered).toEqual([[]]);
  });

  test("leaves no timer when it does", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    await new NetlinkSocket(fakeTransport(grant)).request(batchOf(1));
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("a closed socket", () => {
  test("refuses, and so does what was waiting on it", async () => {
    const socket = new NetlinkSocket(fakeTransport(() => undefined));
    const waiting = refusal(socket.request(batchOf(1)));
    await Promise.resolve();
    socket.close();
    socket.close();
    expect((await waiting).explanation).toBe("the socket was closed");
    expect((await refusal(socket.request(batchOf(1)))).explanation).toBe("the socket is closed");
  });
});
