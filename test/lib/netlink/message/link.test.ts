import { describe, expect, test } from "vitest";
import { encodeBody, nest, text, u8, u16, u32 } from "../../../../lib/netlink/codec.ts";
import { ipvlanFlags, ipvlanModes } from "../../../../lib/netlink/kind/ipvlan.ts";
import type { NewLinkKind } from "../../../../lib/netlink/kind/kinds.ts";
import { macvlanModes } from "../../../../lib/netlink/kind/macvlan.ts";
import {
  decodeLink,
  deleteGroup,
  deleteLink,
  newLink,
  setLinkUp,
} from "../../../../lib/netlink/message/link.ts";

const keysOf = <T extends object>(table: T) => Object.keys(table) as (keyof T & string)[];

const kinds: NewLinkKind[] = [
  ...keysOf(macvlanModes).map((mode) => ({ kind: "macvlan", mode }) as const),
  { kind: "macvlan", mode: "bridge", bcqueuelen: 5000 },
  { kind: "vlan", id: 4094 } as const,
  ...keysOf(ipvlanModes).flatMap((mode) =>
    keysOf(ipvlanFlags).map((flag) => ({ kind: "ipvlan", mode, flag }) as const),
  ),
];

describe("a new link comes back as it was asked for", () => {
  test.each(kinds.map((kind) => [Object.values(kind).join(" "), kind] as const))("%s", (_name, kind) => {
    const asked = { name: "net1-0", link: 7, mtu: 1400, mac: "02:00:00:00:00:01", group: 77, kind };
    expect(decodeLink(newLink({ ...asked, netnsFd: 4 }))).toMatchObject(asked);
  });
});

describe("labels say what the request is for", () => {
  const kind = { kind: "ipvlan", mode: "l3", flag: "bridge" } as const;
  const link = { name: "net1-0", kind, link: 7, netnsFd: 4, group: 77 };
  test.each([
    [newLink({ ...link, master: "eth1" }), "create ipvlan net1-0 on eth1"],
    [newLink(link), "create ipvlan net1-0 on link 7"],
    [setLinkUp(9, "net1-0"), "bring net1-0 up"],
    [setLinkUp(9), "bring link 9 up"],
    [deleteLink(9), "delete link 9"],
    [deleteGroup(77), "delete the links of group 77"],
  ])("$label", (request, label) => {
    expect(request.label).toBe(label);
  });
});

describe("a group that is not one attachment's cannot be deleted", () => {
  test.each([0, -1, 1.5, 2 ** 31, Number.NaN])("%d", (group) => {
    expect(() => deleteGroup(group)).toThrow(RangeError);
  });
});

describe("decodeLink", () => {
  const linkinfo = (name: string, mode: number) =>
    encodeBody(new Uint8Array(16), [
      nest(18, [text(1, name), nest(2, name === "ipvlan" ? [u16(1, mode)] : [u32(1, mode)])]),
    ]);

  test.each([
    ["a macvlan in source mode, which we do not make", linkinfo("macvlan", 16), "macvlan"],
    ["an ipvlan in a mode to come", linkinfo("ipvlan", 3), "ipvlan"],
    ["a kind that is no property of a table: constructor", linkinfo("constructor", 1), "constructor"],
    ["a veth", linkinfo("veth", 1), "veth"],
  ])("reads %s as a kind of another", (_name, body, name) => {
    expect(decodeLink({ body }).kind).toEqual({ kind: "other", name });
  });

  test("reads a VLAN of 802.1ad as a kind of another", () => {
    const data = [u16(1, 7), { type: 5, value: Uint8Array.of(0x88, 0xa8) }];
    const body = encodeBody(new Uint8Array(16), [nest(18, [text(1, "vlan"), nest(2, data)])]);
    expect(decodeLink({ body }).kind).toEqual({ kind: "other", name: "vlan" });
  });

  test("reads a bare header, as old kernels may give of a link", () => {
    expect(decodeLink({ body: new Uint8Array(16) })).toEqual({
      index: 0,
      name: "",
      flags: 0,
      type: 0,
      mtu: 0,
      minMtu: 0,
      maxMtu: 0,
      group: 0,
      operstate: "unknown",
      carrier: false,
      altNames: [],
    });
  });

  test("reads what a physical function has: its place on the bus, its own address, its other names", () => {
    const body = encodeBody(new Uint8Array(16), [
      text(3, "eth1"),
      text(56, "0000:3b:00.0"),
      { type: 54, value: Uint8Array.of(2, 0, 0, 0, 0, 9) },
      nest(52, [text(53, "enp59s0f0"), text(53, "rail0")]),
      u8(16, 6),
      u8(33, 1),
      u32(37, 0xffffffff),
    ]);
    expect(decodeLink({ body })).toMatchObject({
      name: "eth1",
      parentDevice: "0000:3b:00.0",
      permanentMac: "02:00:00:00:00:09",
      altNames: ["enp59s0f0", "rail0"],
      operstate: "up",
      carrier: true,
      linkNetnsid: -1,
    });
  });

  test("reads the 20 bytes of an InfiniBand address", () => {
    const body = encodeBody(new Uint8Array(16), [{ type: 1, value: new Uint8Array(20).fill(0xab) }]);
    expect(decodeLink({ body }).mac).toBe(Array(20).fill("ab").join(":"));
  });
});
