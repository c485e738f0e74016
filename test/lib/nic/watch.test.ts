import { describe, expect, test, vi } from "vitest";
import { type Message, viewOf } from "../../../lib/netlink/codec.ts";
import { RTM_NEWLINK } from "../../../lib/netlink/constants.ts";
import type { Listener } from "../../../lib/netlink/monitor.ts";
import type { HostNic } from "../../../lib/nic/host-nic.ts";
import type { SurveyOptions } from "../../../lib/nic/survey.ts";
import { type NicChange, watch } from "../../../lib/nic/watch.ts";

const nic = (index: number, more: Partial<HostNic> = {}): HostNic => ({
  name: `eth${index}`,
  index,
  mac: undefined,
  mtu: 1500,
  up: true,
  carrier: true,
  operstate: "up",
  addresses: [],
  physical: true,
  defaultRoute: false,
  sort: "device",
  devices: [],
  lower: [],
  representor: false,
  ...more,
});

/** RTM_NEWLINK: a struct ifinfomsg with this ifindex. */
function linkMessage(index: number): Message {
  const body = new Uint8Array(16);
  viewOf(body).setInt32(4, index, true);
  return { type: RTM_NEWLINK, flags: 0, seq: 0, body } as Message;
}

/** A host whose NICs are what `looks` says, look after look; undefined: the look fails. */
function fakeHost(...looks: readonly (readonly HostNic[] | undefined)[]) {
  let listener: Listener | undefined;
  let at = 0;
  const counted: SurveyOptions[] = [];
  return {
    looks: () => at,
    counted,
    lose: () => listener?.missed(),
    /** A message about a link, as of its flags */
    hear: (index: number) => listener?.heard(linkMessage(index)),
    parts: {
      survey: async (options: SurveyOptions) => {
        counted.push(options);
        const found = looks[Math.min(at++, looks.length - 1)];
        if (found === undefined) throw new Error("the kernel is busy");
        return found;
      },
      listen: (to: Listener): Disposable => {
        listener = to;
        return { [Symbol.dispose]: () => {} };
      },
    },
  };
}

const told = (changes: readonly NicChange[]) => changes.map(({ type }) => type);

describe("watch", () => {
  test("looks again when messages were lost, and tells nothing where nothing changed", async () => {
    const host = fakeHost([nic(1)], [nic(1)]);
    const [changed, missed] = [vi.fn(), vi.fn()];
    using watching = await watch(host.parts, changed, { settle: 1, missed });
    const looked = vi.fn();
    using _told = watching.onLook(looked);
    host.lose();
    await vi.waitFor(() => expect(looked).toHaveBeenCalledExactlyOnceWith("all"));
    expect([host.looks(), missed.mock.calls.length]).toEqual([2, 1]);
    expect(changed).not.toHaveBeenCalled();
  });

  test("tells of a look that a message caused, by the link it was about, though nothing changed", async () => {
    const host = fakeHost([nic(1), nic(2)]);
    const changed = vi.fn();
    using watching = await watch(host.parts, changed, { settle: 1 });
    const looked = vi.fn();
    using told = watching.onLook(looked);
    host.hear(2);
    host.hear(2);
    await vi.waitFor(() => expect(looked).toHaveBeenCalledExactlyOnceWith(new Set([2])));
    told[Symbol.dispose]();
    host.hear(1);
    await vi.waitFor(() => expect(host.looks()).toBe(3));
    expect([looked.mock.calls.length, changed.mock.calls.length]).toEqual([1, 0]);
  });

  test("follows addresses from a look on that it takes at once", async () => {
    const host = fakeHost([nic(1)], [nic(1), nic(2)]);
    const heard: string[][] = [];
    using watching = await watch(host.parts, (changes) => heard.push(told(changes)), {});
    await watching.follow(new Set(["10.1.0.1"]));
    expect([heard, watching.nics.map(({ name }) => name)]).toEqual([[["appeared"]], ["eth1", "eth2"]]);
    expect(host.counted).toEqual([
      { virtual: [], addresses: new Set() },
      { virtual: [], addresses: new Set(["10.1.0.1"]) },
    ]);
  });

  test("throws where the look at what is to be followed fails, and follows it from the next on", async () => {
    const host = fakeHost([nic(1)], undefined, [nic(1)]);
    using watching = await watch(host.parts, vi.fn(), {});
    await expect(watching.follow(new Set())).rejects.toThrow("the kernel is busy");
    await expect(watching.follow(new Set())).resolves.toBeUndefined();
  });

  test("makes one look of a burst of messages", async () => {
    const host = fakeHost([nic(1)], [nic(1), nic(2)], [nic(2)]);
    const heard: string[][] = [];
    using _watch = await watch(host.parts, (changes) => heard.push(told(changes)), { settle: 1 });
    for (let i = 0; i < 100; i++) host.lose();
    await vi.waitFor(() => expect(heard).toEqual([["appeared"]]));
    expect(host.looks()).toBe(2);
  });

  test("goes on after a look that failed, and says so", async () => {
    const host = fakeHost([nic(1)], undefined, [nic(1, { up: false })]);
    const failed = vi.fn();
    const heard: string[][] = [];
    using _watch = await watch(host.parts, (changes) => heard.push(told(changes)), { settle: 1, failed });
    host.lose();
    await vi.waitFor(() => expect(failed).toHaveBeenCalledOnce());
    host.lose();
    await vi.waitFor(() => expect(heard).toEqual([["changed"]]));
  });

  test("throws where the first look fails", async () => {
    const host = fakeHost(undefined);
    await expect(watch(host.parts, vi.fn(), {})).rejects.toThrow("the kernel is busy");
  });
});
