import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  decodeMessages,
  encodeAttributes,
  type Request,
  text,
  u8,
  u32,
} from "../../../../lib/netlink/codec.ts";
import {
  decodeNetnsMode,
  decodeRdmaDevice,
  dumpRdmaDevices,
  getRdmaSystem,
  moveRdmaDevice,
  renameRdmaDevice,
} from "../../../../lib/netlink/message/rdma.ts";

/** What iproute2's rdma sent for each command (capture-golden-rdma.ts); it had the namespace under descriptor 4. */
const golden: readonly { command: string; hex: string }[] = JSON.parse(
  readFileSync(new URL("../golden-rdma.json", import.meta.url), "utf8"),
);
const requests: Readonly<Record<string, Request>> = {
  "rdma system show": getRdmaSystem(),
  "rdma dev show": dumpRdmaDevices(),
  "rdma dev set rxe0 netns POD": moveRdmaDevice(0, 4, "move rxe0"),
  "rdma dev set rxe0 name rxe1": renameRdmaDevice(0, "rxe1", "rename rxe0"),
};

describe("what we send of RDMA devices is, byte for byte, what rdma sends", () => {
  test.each(golden)("$command", ({ command, hex }) => {
    const [sent] = decodeMessages(Buffer.from(hex, "hex"));
    const request = requests[command];
    expect({
      type: request?.type,
      flags: request?.flags,
      body: Buffer.from(request?.body ?? []).toString("hex"),
    }).toEqual({
      type: sent?.type,
      flags: sent?.flags,
      body: Buffer.from(sent?.body ?? []).toString("hex"),
    });
  });

  test("every request of the table has its captured command", () => {
    expect(Object.keys(requests).sort()).toEqual(golden.map(({ command }) => command).sort());
  });
});

describe("what the kernel says of RDMA", () => {
  test.each([
    ["each namespace has its own", [u8(66, 0)], "exclusive"],
    ["all have every one", [u8(66, 1)], "shared"],
    ["an older kernel says nothing", [], "shared"],
  ] as const)("is that devices are %s", (_title, attributes, mode) => {
    expect(decodeNetnsMode({ body: encodeAttributes(attributes) })).toBe(mode);
  });

  test("is the index and the name of a device, among other things", () => {
    const body = encodeAttributes([u32(1, 7), text(2, "mlx5_0"), u32(3, 1)]);
    expect(decodeRdmaDevice({ body })).toEqual({ index: 7, name: "mlx5_0" });
  });
});
