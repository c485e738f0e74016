import { execFileSync } from "node:child_process";
import { closeSync, openSync, rmSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../lib/cni/json.ts";
import { pool } from "../live/conf.ts";
import { kernelState } from "../live/kernel-state.ts";
import { makeNamespace, type Namespace } from "../live/namespaces.ts";
import { storeOf } from "../live/node.ts";
import { add, refused, succeed, withPrevResult } from "../live/plugin.ts";
import { at, atOther, here, ifnamesOf, network, useScene, valid } from "../live/scene.ts";

/* What pods leave behind for which no DEL comes, or comes late. */

useScene();

/** Two addresses for each NIC. */
const tight = { ...pool([4], { interfaceBlock: 1, hostBlock: 13, coolDown: 0 }) };
/** multi-nic-ipam is called by itself, as another main plugin calls it: it looks at the namespace's path alone. */
const networks: Readonly<Record<string, () => JsonObject>> = {
  "multi-nic": () => network(tight),
  "multi-nic-ipam": () => ({ ...network(tight), type: "multi-nic-ipam" }),
};

/** Another namespace at the path of one that is gone; the kernel may give it the number of the first, but not here. */
function replace({ name, path }: Namespace): void {
  const held = openSync(path, "r");
  execFileSync("ip", ["netns", "del", name]);
  execFileSync("ip", ["netns", "add", name]);
  closeSync(held);
}

const ends: Readonly<Record<string, (ns: Namespace) => void>> = {
  "is gone": ({ name }) => execFileSync("ip", ["netns", "del", name]),
  "was replaced by another": replace,
};

const rows = Object.keys(networks).flatMap((plugin) =>
  Object.keys(ends).map((end) => ({ plugin, end, conf: networks[plugin], go: ends[end] })),
);

/** A namespace that the test itself ends. */
function makeMortal(): Namespace & Disposable {
  const ns = makeNamespace("mortal");
  return { ...ns, [Symbol.dispose]: () => execFileSync("sh", ["-c", `ip netns del ${ns.name} 2>&1 || :`]) };
}

describe.each(rows)("$plugin, without any DEL, where the pod's namespace $end", ({ conf, go }) => {
  const asked = () => conf?.() ?? {};

  test("gives its addresses to an ADD that finds no other, and only then", async () => {
    using gone = makeMortal();
    const { ips } = await add(here().node, asked(), { netns: gone.path, containerId: "c0" });
    await add(here().node, asked(), atOther());
    expect(await refused(here().node, "ADD", asked(), at())).toMatchObject({ code: 104 });
    expect(await refused(here().node, "STATUS", asked())).toMatchObject({ code: 50 });
    go?.(gone);
    await succeed(here().node, "STATUS", asked());
    expect((await add(here().node, asked(), at())).ips).toEqual(ips);
    // The pod that lives has kept its own.
    expect(storeOf(here().node).attachments).toEqual(["c2 net1", "c1 net1"]);
  });

  test("gives an address to an ADD that asks for it, though others are free and it has not rested", async () => {
    using gone = makeMortal();
    const restful = { ...asked(), ...pool([4], { coolDown: 3600 }) };
    const args = "IP=192.168.1.77";
    await add(here().node, restful, { netns: gone.path, containerId: "c0", args });
    expect(await refused(here().node, "ADD", restful, { ...at(), args })).toMatchObject({ code: 103 });
    go?.(gone);
    const { ips } = await add(here().node, restful, { ...at(), args });
    expect(ips[0]?.address).toBe("192.168.1.77/19");
    expect(storeOf(here().node).attachments).toEqual(["c1 net1"]);
    expect(await refused(here().node, "ADD", restful, { ...atOther(), args })).toMatchObject({ code: 103 });
  });

  test("gives its addresses back at GC, though the runtime lists it still", async () => {
    using gone = makeMortal();
    await add(here().node, asked(), { netns: gone.path, containerId: "c0" });
    await add(here().node, asked(), atOther());
    go?.(gone);
    const list = valid({ containerID: "c0", ifname: "net1" }, { containerID: "c2", ifname: "net1" });
    await succeed(here().node, "GC", { ...asked(), ...list });
    expect(storeOf(here().node).attachments).toEqual(["c2 net1"]);
    await succeed(here().node, "STATUS", asked());
  });
});

describe("a node reboots: its state folder is empty, and DELs of pods that were come late", () => {
  const reboot = () => rmSync(here().node.stateDir, { recursive: true });

  test.each([
    ["no namespace", () => ""],
    ["a namespace that is no more", () => "/run/netns/gone"],
    ["the path at which the new pod's namespace is", () => here().pod.path],
  ])("with %s: the pod that has the address now keeps it", async (_, netns) => {
    using gone = makeMortal();
    const old = await add(here().node, network(), { netns: gone.path, containerId: "c0" });
    gone[Symbol.dispose]();
    reboot();
    const result = await add(here().node, network(), at());
    expect(result.ips).toEqual(old.ips);
    await succeed(here().node, "DEL", withPrevResult(network(), old), { netns: netns(), containerId: "c0" });
    await succeed(here().node, "CHECK", withPrevResult(network(), result), at());
  });

  test("with a namespace where the links still are: they go, and nothing else", async () => {
    await add(here().node, network(), at());
    const second = await add(here().node, network(), { ...at(), ifname: "net2" });
    reboot();
    await succeed(here().node, "DEL", network(), at());
    expect(ifnamesOf(here().pod)).toEqual(["net2-0", "net2-1"]);
    await succeed(here().node, "DEL", withPrevResult(network(), second), { ...at(), ifname: "net2" });
    expect(kernelState(here().pod)).toEqual(here().empty);
  });

  test("and an ADD that comes again, with its links still there, is refused until a DEL has been", async () => {
    await add(here().node, network(), at());
    reboot();
    expect(await refused(here().node, "ADD", network(), at())).toMatchObject({
      code: 105,
      msg: expect.stringMatching(/already has net1-0, net1-1; DEL/),
    });
    await succeed(here().node, "DEL", network(), at());
    const result = await add(here().node, network(), at());
    await succeed(here().node, "CHECK", withPrevResult(network(), result), at());
  });
});

describe.each(Object.keys(networks))("%s: a container id is used again", (plugin) => {
  const asked = () => networks[plugin]?.() ?? {};
  /** The same container id and interface, first in a namespace that ended with no DEL, then in one that lives. */
  async function used(): Promise<{ readonly old: string; readonly result: JsonObject }> {
    using gone = makeMortal();
    await add(here().node, asked(), { netns: gone.path });
    gone[Symbol.dispose]();
    return { old: gone.path, result: await succeed(here().node, "ADD", asked(), at()) };
  }

  test("in a new namespace: it is attached there, and the old addresses are free", async () => {
    const { result } = await used();
    await succeed(here().node, "CHECK", { ...asked(), prevResult: result }, at());
    expect(storeOf(here().node).leases).toHaveLength(2);
  });

  test("and the DEL of its first use comes late: its second is not touched", async () => {
    const { old, result } = await used();
    await succeed(here().node, "DEL", asked(), { netns: old });
    await succeed(here().node, "CHECK", { ...asked(), prevResult: result }, at());
    await succeed(here().node, "DEL", asked(), at());
    expect(storeOf(here().node)).toEqual({ attachments: [], leases: [] });
    expect(kernelState(here().pod)).toEqual(here().empty);
  });

  test("while its first is there: it is refused, and the first is left as it is", async () => {
    const result = await succeed(here().node, "ADD", asked(), at());
    const error = await refused(here().node, "ADD", asked(), { netns: here().other.path });
    expect(error).toMatchObject({ code: 105, msg: expect.stringMatching(/DEL it first/) });
    await succeed(here().node, "CHECK", { ...asked(), prevResult: result }, at());
  });
});
