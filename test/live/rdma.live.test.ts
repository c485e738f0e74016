import { readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import type { JsonObject } from "../../lib/cni/json.ts";
import { conf } from "./conf.ts";
import { startDaemon } from "./daemon.ts";
import { withoutStore } from "./damages.ts";
import { describeWhere } from "./kernel.ts";
import { makeNamespace, type Namespace } from "./namespaces.ts";
import { emptyStore, makeHostNode, type Node, storeOf } from "./node.ts";
import { bin } from "./plugin.ts";
import { callHere, type FakedRdma, fakeRdma, recordedPlan, type Where } from "./rdma.ts";
import {
  addressOfVf,
  linkOfVf,
  type PhysicalFunction,
  physicalFunctions,
  setNumberOfVfs,
  sriov,
} from "./sriov.ts";

// Each loads modules and calls the executable up to nine times, every processor emulated.
vi.setConfig({ testTimeout: 240_000 });

/** In the test kernel's own namespace, as on a node: to that one the kernel puts devices back. */
describeWhere(sriov(), "RDMA devices of NICs that are lent", () => {
  let node: Node;
  let pf: PhysicalFunction;
  let ids: readonly string[];
  let pod: Namespace;
  let rdma: FakedRdma;

  beforeAll(async () => {
    const [first] = physicalFunctions();
    if (first === undefined) throw new Error("there is no NIC with SR-IOV");
    pf = first;
    setNumberOfVfs(pf, 0);
    setNumberOfVfs(pf, 2);
    await Promise.all([0, 1].map((index) => linkOfVf(pf, index)));
    ids = [0, 1].map((index) => addressOfVf(pf, index));
    node = makeHostNode();
    node.host.ip(`link set ${pf.ifname} up`);
  });
  afterAll(() => {
    if (pf !== undefined) setNumberOfVfs(pf, 0);
    node?.[Symbol.dispose]();
  });
  beforeEach(() => {
    pod = makeNamespace("pod");
  });
  afterEach(() => {
    pod[Symbol.dispose]();
    rdma[Symbol.dispose]();
  });

  const fake = (mode: "shared" | "exclusive", movable: boolean) => {
    rdma = fakeRdma(realpathSync(join(pf.device, "virtfn0")), pf.ifname, { mode, movable });
  };
  const network = (more: JsonObject = {}) => conf({ plugin: { type: "host-device" }, deviceIDs: ids }, more);
  const links = () =>
    node.host
      .ipJson<Record<string, unknown>[]>("-d link show")
      .map(({ ifname, mtu, address, flags, group, ifalias }) => ({
        ifname,
        mtu,
        address,
        flags,
        group,
        ifalias,
      }))
      .sort((a, b) => String(a.ifname).localeCompare(String(b.ifname)));
  const state = () => ({ links: links(), rdma: rdma.names(), store: storeOf(node) });

  const call = (command: string, network1: JsonObject, at: Partial<Where> = {}) =>
    callHere(node, command, network1, { netns: pod.path, wrap: [], ...at });
  const succeed = (...args: Parameters<typeof call>) => {
    const said = call(...args);
    expect(said.msg).toBeUndefined();
    return said;
  };

  test("move along where each namespace has its own, and come home with DEL", () => {
    fake("exclusive", true);
    const before = state();
    const prevResult = succeed("ADD", network());
    expect([rdma.names(), rdma.names(pod)]).toEqual([[], ["rxe0"]]);
    succeed("CHECK", network({ prevResult }));
    pod.exec("rdma", "dev", "set", "rxe0", "netns", node.host.name);
    expect(call("CHECK", network({ prevResult }))).toMatchObject({
      code: 106,
      msg: expect.stringContaining("net1-0: RDMA device rxe0 is not in the pod's namespace"),
    });
    succeed("DEL", network());
    expect(state()).toEqual(before);
  });

  test("move along and come home where multi-nicd serves the calls", () => {
    fake("exclusive", true);
    const mounts = ["nsenter", `--mount=/proc/${process.pid}/ns/mnt`];
    using daemon = startDaemon(node.host.name, node.stateDir, [], bin, mounts);
    const before = state();
    succeed("ADD", network());
    expect([rdma.names(), rdma.names(pod)]).toEqual([[], ["rxe0"]]);
    succeed("DEL", network());
    expect(state()).toEqual(before);
    expect(daemon.status()).toMatchObject({ served: 2, declined: 0 });
  });

  test("come home with GC, and under their names", () => {
    fake("exclusive", true);
    const before = state();
    succeed("ADD", network());
    pod.exec("rdma", "dev", "set", "rxe0", "name", "mine");
    expect(rdma.names(pod)).toEqual(["mine"]);
    succeed("GC", network({ "cni.dev/valid-attachments": [] }));
    expect(state()).toEqual(before);
  });

  test("are found where the kernel puts them when the pod's namespace ends", () => {
    fake("exclusive", true);
    const before = state();
    succeed("ADD", network());
    pod.exec("rdma", "dev", "set", "rxe0", "name", "mine");
    pod[Symbol.dispose]();
    pod = makeNamespace("pod");
    succeed("DEL", network(), { netns: "" });
    expect(state()).toEqual(before);
  });

  test("come home with GC, where a DEL without the store brought home the links alone", async () => {
    fake("exclusive", true);
    const before = state();
    succeed("ADD", network());
    await withoutStore(node.stateDir, () => succeed("DEL", network()));
    expect([node.host.ip("-br link show group default"), rdma.names(pod)]).toEqual([
      expect.not.stringContaining("eth1"),
      ["rxe0"],
    ]);
    expect(links().map(({ ifname }) => ifname)).toEqual(["eth0", "eth1", "eth2", "lo"]);
    succeed("GC", network({ "cni.dev/valid-attachments": [] }));
    expect(state()).toEqual(before);
  });

  test("come home from an ADD that fails at a later NIC", () => {
    fake("exclusive", true);
    const before = state();
    pod.ip("link add p0 type veth peer name p1");
    pod.ip("link property add dev p0 altname net1-1");
    expect(call("ADD", network()).code).toBe(105);
    expect(state()).toEqual(before);
  });

  test("come home after ADDs and DELs that are killed, and a DEL", () => {
    fake("exclusive", true);
    const before = state();
    for (const seconds of ["0.6", "1", "1.5"]) {
      const wrap = ["timeout", "-s", "KILL", seconds];
      call("ADD", network(), { wrap });
      call("DEL", network(), { wrap });
      succeed("DEL", network());
      expect(state()).toEqual(before);
    }
  });

  test("that their driver does not let go make ADD fail, with nothing changed", () => {
    fake("exclusive", false);
    const before = state();
    const said = call("ADD", network());
    expect([said.code, said.msg]).toEqual([
      7,
      expect.stringMatching(
        new RegExp(
          `^net1-0: RDMA device rxe0 of \\S+ \\(${ids[0]}\\) cannot move into the pod: its driver does not`,
        ),
      ),
    ]);
    expect(state()).toEqual(before);
    expect(before.store).toEqual(emptyStore);
  });

  test("stay where they are, where the namespaces share them; to know that takes one question, and none without one", () => {
    fake("shared", true);
    const before = state();
    const log = join(node.stateDir, "..", "strace");
    const asked = (deviceIDs: readonly string[]) => {
      const wrap = ["strace", "-f", "--seccomp-bpf", "-o", log, "-e", "trace=socket,sendmsg"];
      succeed("ADD", network({ deviceIDs }), { wrap });
      const lines = readFileSync(log, "utf8").split("\n");
      return lines.flatMap((line) => /NETLINK_RDMA|nlmsg_type=0x14\d\d/.exec(line)?.[0] ?? []);
    };
    expect(asked(ids)).toEqual(["NETLINK_RDMA", "nlmsg_type=0x1406"]);
    expect([rdma.names(), rdma.names(pod)]).toEqual([["rxe0"], ["rxe0"]]);
    expect(recordedPlan(node)).not.toContain("rxe0");
    succeed("DEL", network());
    expect(state()).toEqual(before);
    expect(asked(ids.slice(1))).toEqual([]);
    succeed("DEL", network());
    expect(state()).toEqual(before);
  });
});
