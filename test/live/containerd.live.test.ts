import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { explain } from "../../doctor/explain/explain.ts";
import type { JsonObject } from "../../lib/cni/json.ts";
import { callsOf } from "./containerd/calls.ts";
import { type Containerd, containerdNeeds, makeContainerd } from "./containerd/containerd.ts";
import type { Pod } from "./containerd/pod.ts";
import { describeWhere } from "./kernel.ts";
import { addressesOf, kernelState, routesOf } from "./kernel-state.ts";
import { emptyStore, makeNode, type Node, storeOf, tamperStore, writeNodeFile } from "./node.ts";
import { ifnamesOf } from "./scene.ts";

const templates = join(import.meta.dirname, "../../conf-templates");

/** A template, with what is changed in its multi-nic. */
function template(name: string, change: JsonObject = {}): JsonObject {
  const conf = JSON.parse(readFileSync(join(templates, name), "utf8"));
  conf.plugins = conf.plugins?.map((each: JsonObject) =>
    each.type === "multi-nic" ? { ...each, ...change } : each,
  );
  return conf;
}

const only = "10-multi-nic-only.conflist";
const numbered = (count: number) => Array.from({ length: count }, (_, i) => `pod-${i}`);

describeWhere(containerdNeeds, "containerd, by its CRI socket", () => {
  let node: Node;
  let containerd: Containerd;
  let before: { readonly host: ReturnType<typeof kernelState>; readonly netnsFiles: readonly string[] };
  const now = () => ({ host: kernelState(node.host), netnsFiles: containerd.netnsFiles() });
  beforeAll(async () => {
    node = makeNode(3);
    for (const network of ["multi-nic-only", "bridge-multi-nic"])
      writeNodeFile(node, network, { hostIndex: 1 });
    containerd = await makeContainerd(node);
  });
  afterAll(async () => {
    try {
      await containerd?.[Symbol.asyncDispose]();
    } finally {
      node[Symbol.dispose]();
    }
  });
  beforeEach(async () => {
    await containerd.networks.clear();
    before = now();
  });
  // What a failed test has left is not to fail the next.
  afterEach(async () => {
    removeBrokenRecords();
    for (const id of await containerd.cri.list()) await containerd.cri.remove(id);
    if (storeOf(node).leases.length > 0) tamperStore(node, "DELETE FROM leases; DELETE FROM attachments");
  });

  const run = (names: readonly string[]) => Promise.all(names.map((name) => containerd.runPod(name)));
  /** Stops and removes sandboxes as kubelet does. */
  const end = (pods: readonly Pod[]) =>
    Promise.all(
      pods.map(async ({ id }) => {
        await containerd.cri.stop(id);
        await containerd.cri.remove(id);
      }),
    );
  const removeBrokenRecords = () => {
    for (const { where } of containerd.brokenRecords()) containerd.run("rm", where);
  };
  const holdNothingIsLeft = async (pods: readonly Pod[]) => {
    expect(pods.map(({ netns }) => ifnamesOf(netns))).toEqual(pods.map(() => []));
    expect(storeOf(node)).toEqual(emptyStore);
    expect(now()).toEqual(before);
    expect(await containerd.cri.list()).toEqual([]);
    for (const pod of pods) pod[Symbol.dispose]();
  };

  test("the node's network is ready once a configuration is there, and not before", async () => {
    expect(await containerd.networks.ready()).toMatchObject({
      status: false,
      reason: "NetworkPluginNotReady",
    });
    await containerd.networks.use(only, template(only));
    expect(await containerd.networks.ready()).toMatchObject({ status: true });
  });

  test("multi-nic as a pod's only network gives it all the NICs and its address, and takes them back", async () => {
    await containerd.networks.use(only, template(only));
    const pod = await containerd.runPod("pod");
    expect(pod.state).toBe("SANDBOX_READY");
    expect(ifnamesOf(pod.netns)).toEqual(["eth0", "eth0-1"]);
    expect(pod.ip).toMatch(/^10\.60\.1\.\d+$/);
    expect(addressesOf(pod.netns, "eth0")).toEqual([`${pod.ip}/18`]);
    expect(addressesOf(pod.netns, "eth0-1")).toEqual([expect.stringMatching(/^10\.60\.65\.\d+\/18$/)]);
    expect(routesOf(pod.netns, 4)).toContainEqual(
      expect.objectContaining({ dst: "default", gateway: "10.60.63.254", dev: "eth0" }),
    );
    expect(storeOf(node)).toMatchObject({ attachments: [`${pod.id} eth0`], leases: { length: 2 } });
    await end([pod]);
    await holdNothingIsLeft([pod]);
  });

  test("each of the two DELs that containerd sends succeeds, the second of them without a namespace", async () => {
    await containerd.networks.use(only, template(only));
    const pod = await containerd.runPod("pod");
    await end([pod]);
    const netns = expect.stringContaining("/netns/cni-");
    const calls = callsOf(node).filter(({ containerId }) => containerId === pod.id);
    expect(calls).toMatchObject([
      { command: "ADD", netns, message: "done" },
      { command: "DEL", netns, message: "done" },
      { command: "DEL", netns: "", message: "done" },
    ]);
    await holdNothingIsLeft([pod]);
  });

  test("chained behind Debian's bridge, multi-nic adds its NICs to a pod that has the bridge's address", async () => {
    const name = "10-bridge-multi-nic.conflist";
    await containerd.networks.use(name, template(name));
    const pod = await containerd.runPod("pod");
    expect(ifnamesOf(pod.netns)).toEqual(["eth0", "eth0-0", "eth0-1"]);
    expect(addressesOf(pod.netns, "eth0")).toEqual([`${pod.ip}/16`]);
    expect(pod.ip).toMatch(/^10\.88\./);
    expect(addressesOf(pod.netns, "eth0-0")).toEqual([expect.stringMatching(/^10\.70\.1\.\d+\/18$/)]);
    expect(addressesOf(pod.netns, "eth0-1")).toEqual([expect.stringMatching(/^10\.70\.65\.\d+\/18$/)]);
    await end([pod]);
    const commands = callsOf(node).filter(({ containerId }) => containerId === pod.id);
    expect(commands.map(({ command, message }) => `${command} ${message}`)).toEqual([
      ...["ADD done", "DEL done", "DEL done"],
    ]);
    node.host.ip("link del cni0"); // the bridge stays, as with any other chain
    await holdNothingIsLeft([pod]);
  });

  test("10 sandboxes at once have 20 addresses, and removed at once leave nothing", async () => {
    await containerd.networks.use(only, template(only));
    const pods = await run(numbered(10));
    const addresses = pods.flatMap(({ netns }) =>
      ["eth0", "eth0-1"].flatMap((ifname) => addressesOf(netns, ifname)),
    );
    expect(new Set(addresses).size).toBe(20);
    expect(storeOf(node)).toMatchObject({ attachments: { length: 10 }, leases: { length: 20 } });
    await end(pods);
    await holdNothingIsLeft(pods);
  });

  describe.each(["10-infra-dpu-cni.conf", "10-ovn-kubernetes.conf"])("infra-dpu-cni, by %s", (name) => {
    beforeEach(() => containerd.networks.use(name, template(name)));

    test("the node's network is ready", async () => {
      expect(await containerd.networks.ready()).toMatchObject({ status: true });
    });

    test("a pod that wants a network is refused, with the whole message and what to do", async () => {
      await expect(containerd.runPod("pod")).rejects.toThrow(
        "no pod network on this node: only pods with hostNetwork: true can run here; pod default/pod asks for " +
          "network infra-dpu-cni: set hostNetwork: true in its spec, or schedule it on another node",
      );
      await holdNothingIsLeft([]);
    });

    test("a pod on the host's network runs", async () => {
      const pod = await containerd.runPod("pod", "NODE");
      expect(pod.state).toBe("SANDBOX_READY");
      expect(kernelState(pod.netns)).toEqual(kernelState(node.host));
      await end([pod]);
      pod[Symbol.dispose]();
      await holdNothingIsLeft([]);
    });
  });

  describe.each(["containerd", "everything"] as const)("kill -9 of %s", (what) => {
    test("what was attached before can be removed after a restart, and leaves nothing", async () => {
      await containerd.networks.use(only, template(only));
      const pods = await run(numbered(3));
      containerd.kill(what);
      const kept = storeOf(node);
      await containerd.restart();
      expect(kept).toMatchObject({ attachments: { length: 3 }, leases: { length: 6 } });
      expect([...(await containerd.cri.list())].sort()).toEqual(pods.map(({ id }) => id).sort());
      await end(pods);
      await holdNothingIsLeft(pods);
    });
  });

  describe("kill -9 of everything while a sandbox is made", () => {
    /** Gives the leases that were taken when all was killed. */
    const kill = async (when: () => Promise<unknown>) => {
      await containerd.networks.use(only, template(only));
      const running = containerd.runPod("pod").then(
        (pod) => pod[Symbol.dispose](),
        () => {}, // the connection breaks
      );
      let leases: readonly string[] = [];
      try {
        await when();
      } finally {
        containerd.kill("everything");
        await running;
        try {
          leases = storeOf(node).leases;
        } finally {
          await containerd.restart();
        }
      }
      return leases;
    };
    const holdNoLeaseIsLeft = async () => {
      removeBrokenRecords(); // of libcni, which may have been killed while it wrote one
      for (const id of await containerd.cri.list()) await containerd.cri.remove(id);
      expect(storeOf(node)).toEqual(emptyStore);
      expect(kernelState(node.host)).toEqual(before.host);
    };

    test.each([10, 30, 60, 90])("after %i ms: what containerd then removes leaves no lease", async (ms) => {
      await kill(() => setTimeout(ms));
      await holdNoLeaseIsLeft();
    });

    test.each([0, 5, 10, 20, 40])("%i ms after the leases were taken: likewise", async (ms) => {
      const areTaken = () => expect(storeOf(node).leases).toHaveLength(2);
      const leases = await kill(async () => {
        await vi.waitFor(areTaken, { interval: 2, timeout: 10_000 });
        await setTimeout(ms);
      });
      expect(leases).toHaveLength(2);
      await holdNoLeaseIsLeft();
    });
  });

  describe.each([
    ["empty", ": >"],
    ["cut short", "truncate --size=-9"],
  ])("a record of libcni's that is %s", (_, spoil) => {
    test("wedges its pod, until it is removed as the doctor says; nothing is left then", async () => {
      await containerd.networks.use(only, template(only));
      const pod = await containerd.runPod("pod");
      const record = `/var/lib/cni/results/multi-nic-only-${pod.id}-eth0`;
      containerd.run("sh", "-c", `test -s ${record} && ${spoil} ${record}`);
      const refusal = await containerd.cri.stop(pod.id).then(String, String);
      expect(explain(refusal)).toMatchObject({ id: "runtime-cache", mender: "node" });
      const broken = containerd.brokenRecords();
      expect(broken).toMatchObject([
        { where: record, severity: "error", mend: expect.stringMatching(/^rm /) },
      ]);
      for (const { mend } of broken) containerd.run("sh", "-c", mend?.split(";")[0] ?? "");
      await end([pod]);
      await holdNothingIsLeft([pod]);
    });
  });

  test("a pod whose master is gone is refused, with the whole message, and leaves nothing", async () => {
    await containerd.networks.use(only, template(only, { masters: ["eth1", "eth3"] }));
    const pod = await containerd.runPod("pod");
    await end([pod]);
    node.host.ip("link del eth3");
    before = now();
    await expect(containerd.runPod("late")).rejects.toThrow(
      'masters: "eth3" is no link of this host; name one of: eth1, eth2',
    );
    await holdNothingIsLeft([pod]);
  });
});
