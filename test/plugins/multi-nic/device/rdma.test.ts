import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Netns } from "../../../../lib/linux/netns.ts";
import {
  encodeAttributes,
  findAttribute,
  type Request,
  readText,
  text,
  u8,
  u32,
} from "../../../../lib/netlink/codec.ts";
import { NetlinkError } from "../../../../lib/netlink/error.ts";
import { dumpRdmaDevices, getRdmaSystem, type RdmaDevice } from "../../../../lib/netlink/message/rdma.ts";
import {
  differencesOfRdma,
  giveBackRdma,
  lendRdma,
  rdmaToMove,
} from "../../../../plugins/multi-nic/device/rdma.ts";
import type { LentLink, Plan } from "../../../../plugins/multi-nic/plan.ts";
import { fakeNetlink } from "../../../lib/netlink/fake-netlink.ts";

const [EBUSY, EINVAL, EPROTONOSUPPORT, EOPNOTSUPP] = [16, 22, 93, 95];
const folder = "pci0000:00/0000:3b:00.1";
const mlx: RdmaDevice = { index: 7, name: "mlx5_7" };
const link = {
  ifname: "net1-0",
  master: "eth1",
  device: { folder, pciID: "0000:3b:00.1", rdma: [mlx] },
} as unknown as LentLink;

const host = { name: "host", fd: 3 } as unknown as Netns;
const pod = { name: "pod", fd: 4 } as unknown as Netns;

/** A kernel whose namespaces have these RDMA devices; what it was asked to change is in `changes`, as labels. */
function kernel(
  some: { host?: RdmaDevice[]; pod?: RdmaDevice[] },
  { mode = 0, refuse = 0 }: { mode?: number | "unknown"; refuse?: number } = {},
) {
  const has: { host: RdmaDevice[]; pod: RdmaDevice[] } = { host: [], pod: [], ...some };
  const changes: string[] = [];
  const open = (netns: Netns) => {
    const here = has[netns === pod ? "pod" : "host"];
    const netlink = fakeNetlink(({ type, body, label }: Request) => {
      if (type === getRdmaSystem().type)
        return mode === "unknown" ? EINVAL : [encodeAttributes([u8(66, mode)])];
      if (type === dumpRdmaDevices().type)
        return here.map(({ index, name }) => encodeAttributes([u32(1, index), text(2, name)]));
      changes.push(label);
      if (refuse !== 0) return refuse;
      const [device] = here.splice(
        here.findIndex(({ index }) => index === findAttribute(body, 1)?.[0]),
        1,
      );
      if (device === undefined) return EINVAL;
      const name = findAttribute(body, 2);
      if (name !== undefined) here.push({ ...device, name: readText(name) });
      else has[findAttribute(body, 68)?.[0] === pod.fd ? "pod" : "host"].push(device);
      return [];
    });
    return { ...netlink, [Symbol.dispose]: () => {} };
  };
  return { open, changes, has };
}

describe("the RDMA devices that move along", () => {
  let sys: string;
  beforeAll(() => {
    sys = mkdtempSync(join(tmpdir(), "mnc-sys-"));
    mkdirSync(join(sys, "devices", folder, "infiniband/mlx5_7"), { recursive: true });
  });
  afterAll(() => rmSync(sys, { recursive: true }));

  const others = { index: 8, name: "mlx5_8" };
  test.each([
    ["are those of the link's device where each namespace has its own", 0, [[folder, [mlx]]]],
    ["are none where namespaces share them", 1, []],
    ["are none where the kernel knows of no namespaces", "unknown", []],
  ] as const)("%s", async (_title, mode, found) => {
    const { open } = kernel({ host: [others, mlx] }, { mode });
    expect([...(await rdmaToMove(sys, [folder], open))]).toEqual(found);
  });

  test("are asked for in vain without ib_core, and the error says what to load", async () => {
    const open = () => {
      throw new NetlinkError(EPROTONOSUPPORT, { request: "open a netlink socket for RDMA", index: 0 });
    };
    await expect(rdmaToMove(sys, [folder], open)).rejects.toMatchObject({
      code: 50,
      message:
        "0000:3b:00.1: has RDMA devices, and this kernel cannot be asked about them; load ib_core (modprobe ib_core)",
    });
  });
});

describe("an RDMA device", () => {
  test("moves into the pod, and home again", async () => {
    const { open, changes, has } = kernel({ host: [mlx] });
    await lendRdma(link, host, pod, open);
    expect(has).toEqual({ host: [], pod: [mlx] });
    expect(await differencesOfRdma({ links: [link] } as unknown as Plan, pod, open)).toEqual([]);
    await giveBackRdma(link, host, pod, open);
    expect(has).toEqual({ host: [mlx], pod: [] });
    await giveBackRdma(link, host, pod, open);
    expect(changes).toEqual(["move RDMA device mlx5_7 into the pod", "move RDMA device mlx5_7 home"]);
  });

  test("gets its name back, wherever a pod named it otherwise", async () => {
    const { open, has } = kernel({
      pod: [
        { index: 7, name: "mine" },
        { index: 9, name: "mlx5_7" },
      ],
    });
    await giveBackRdma(link, host, pod, open);
    expect(has).toEqual({ host: [mlx], pod: [{ index: 9, name: "mlx5_7" }] });
    const ended = kernel({ host: [{ index: 7, name: "mine" }] });
    await giveBackRdma(link, host, undefined, ended.open);
    expect(ended.has.host).toEqual([mlx]);
  });

  test("that is not in the pod is told by CHECK", async () => {
    const { open } = kernel({ host: [mlx], pod: [{ index: 8, name: "mlx5_8" }] });
    expect(await differencesOfRdma({ links: [link] } as unknown as Plan, pod, open)).toEqual([
      "net1-0: RDMA device mlx5_7 is not in the pod's namespace",
    ]);
  });

  test.each([
    [
      EOPNOTSUPP,
      7,
      /^net1-0: RDMA device mlx5_7 of eth1 \(0000:3b:00\.1\) cannot move into the pod: its driver .*\(rdma system set netns shared/,
    ],
    [EBUSY, 11, /^net1-0: RDMA device mlx5_7 of eth1 \(0000:3b:00\.1\) cannot move .*\(rdma resource show/],
    [
      EINVAL,
      11,
      /^net1-0: RDMA device mlx5_7 of eth1 \(0000:3b:00\.1\) is gone since it was chosen; try again/,
    ],
  ])("that the kernel does not move (errno %i) is named, with what to do", async (refuse, code, message) => {
    const { open } = kernel({ host: [mlx] }, { refuse });
    await expect(lendRdma(link, host, pod, open)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });
});
