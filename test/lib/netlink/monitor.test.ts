import { EventEmitter } from "node:events";
import { describe, expect, test, vi } from "vitest";
import type { NetlinkError } from "../../../lib/netlink/error.ts";
import { type MonitorTransport, monitor } from "../../../lib/netlink/monitor.ts";
import { encodeReply } from "./fake-transport.ts";

function fakeSocket(refusal?: number) {
  const events = new EventEmitter();
  const groups: number[] = [];
  const transport = {
    on: (event: string, listener: (...args: unknown[]) => void) => events.on(event, listener),
    addMembership: (group: number) => {
      if (refusal !== undefined) throw Object.assign(new Error("refused"), { errno: refusal });
      groups.push(group);
    },
    unref: () => {},
    close: vi.fn(),
    dropped: vi.fn(() => 0),
  };
  return {
    events,
    groups,
    dropped: transport.dropped,
    close: transport.close,
    open: () => transport as unknown as MonitorTransport,
  };
}

const message = (type: number) => encodeReply({ type, seq: 0, body: new Uint8Array(16) });

function listening() {
  const heard: number[] = [];
  const missed = vi.fn();
  return { heard, missed, listener: { heard: ({ type }: { type: number }) => heard.push(type), missed } };
}

describe("monitor", () => {
  test("joins its groups and hands on what the kernel says, several messages at once too", () => {
    const { events, groups, open } = fakeSocket();
    const { heard, listener } = listening();
    using _monitor = monitor([1, 5], listener, open);
    events.emit("message", Buffer.concat([message(16), message(17)]), { port: 0 });
    expect(groups).toEqual([1, 5]);
    expect(heard).toEqual([16, 17]);
  });

  test("passes over what another process sends", () => {
    const { events, open } = fakeSocket();
    const { heard, listener } = listening();
    using _monitor = monitor([1], listener, open);
    events.emit("message", message(16), { port: 4711 });
    expect(heard).toEqual([]);
  });

  test("says that it missed something where the socket failed, or bytes are no message", () => {
    const { events, open } = fakeSocket();
    const { heard, missed, listener } = listening();
    using _monitor = monitor([1], listener, open);
    events.emit("error", new Error("the socket failed"));
    events.emit("message", Buffer.from([1, 2, 3]), { port: 0 });
    expect(missed).toHaveBeenCalledTimes(2);
    events.emit("message", message(16), { port: 0 });
    expect(heard).toEqual([16]);
  });

  test("says once of all that the socket dropped that it missed something, and hears the rest", () => {
    const { events, dropped, open } = fakeSocket();
    const { heard, missed, listener } = listening();
    using _monitor = monitor([1], listener, open);
    events.emit("message", message(16), { port: 0 });
    dropped.mockReturnValue(800);
    events.emit("message", message(17), { port: 0 });
    events.emit("message", message(18), { port: 0 });
    expect([heard, missed.mock.calls.length]).toEqual([[16, 17, 18], 1]);
  });

  test("hears nothing more once it is disposed of, and closes once", async () => {
    const { events, open, close } = fakeSocket();
    const { heard, missed, listener } = listening();
    const monitoring = monitor([1], listener, open);
    monitoring[Symbol.dispose]();
    monitoring[Symbol.dispose]();
    events.emit("message", message(16), { port: 0 });
    events.emit("error", new Error("late"));
    await vi.waitFor(() => expect(close).toHaveBeenCalledOnce());
    expect([heard, missed.mock.calls]).toEqual([[], []]);
  });

  test("throws a NetlinkError where a group may not be joined", () => {
    const { open } = fakeSocket(-1);
    const refused: Partial<NetlinkError> = { code: "EPERM", request: "listen to netlink groups" };
    expect(() => monitor([1], listening().listener, open)).toThrow(expect.objectContaining(refused));
  });
});
