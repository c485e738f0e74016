import { describe, expect, test, vi } from "vitest";
import type { Listener } from "../../../lib/netlink/monitor.ts";
import type { HostNic } from "../../../lib/nic/host-nic.ts";
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

/** A host whose NICs are what `looks` says, look after look; undefined: the look fails. */
function fakeHost(...looks: readonly (readonly HostNic[] | undefined)[]) {
  let listener: Listener | undefined;
  let at = 0;
  return {
    looks: () => at,
    lose: () => listener?.missed(),
    parts: {
      survey: async () => {
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
    const changed = vi.fn();
    using _watch = await watch(host.parts, changed, { settle: 1 });
    host.lose();
    await vi.waitFor(() => expect(host.looks()).toBe(2));
    expect(changed).not.toHaveBeenCalled();
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
