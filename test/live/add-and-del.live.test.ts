import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../lib/cni/json.ts";
import { pool } from "./conf.ts";
import { kernelState } from "./kernel-state.ts";
import { makeNamespace } from "./namespaces.ts";
import { emptyStore, storeOf, tamperStore } from "./node.ts";
import { add, refused, succeed, withPrevResult } from "./plugin.ts";
import { at, atOther, here, ifnamesOf, network, useScene } from "./scene.ts";

useScene();

describe("ADD", () => {
  test("of an attachment that is there is refused, and leaves the first as it is", async () => {
    const result = await add(here().node, network(), at());
    expect(await refused(here().node, "ADD", network(), at())).toMatchObject({ code: 105 });
    await succeed(here().node, "CHECK", withPrevResult(network(), result), at());
  });

  test("after an ADD whose process was killed begins anew", async () => {
    await add(here().node, network(), at());
    tamperStore(here().node, "UPDATE attachments SET state = 'adding', pid = 2147483647");
    const result = await add(here().node, network(), at());
    await succeed(here().node, "CHECK", withPrevResult(network(), result), at());
    expect(storeOf(here().node).leases).toHaveLength(2);
  });

  test("takes over what a pod left that was never deleted, when the pool is exhausted", async () => {
    const tight = network({ ...pool([4], { interfaceBlock: 1, hostBlock: 13, coolDown: 0 }) });
    const gone = makeNamespace("gone");
    const { ips } = await add(here().node, tight, { netns: gone.path, containerId: "c0" });
    await add(here().node, tight, atOther());
    expect(await refused(here().node, "ADD", tight, at())).toMatchObject({ code: 104 });
    expect(await refused(here().node, "STATUS", tight)).toMatchObject({ code: 50 });
    // As a runtime's crash leaves it: no DEL, and the namespace is gone.
    gone[Symbol.dispose]();
    await succeed(here().node, "STATUS", tight);
    expect((await add(here().node, tight, at())).ips).toEqual(ips);
  });
});

describe("DEL", () => {
  const lost: readonly (readonly [string, () => void])[] = [
    [
      "the store is lost, as by a reboot of the runtime alone",
      () => rmSync(here().node.stateDir, { recursive: true }),
    ],
    [
      "the store is damaged",
      () => writeFileSync(join(here().node.stateDir, "state.db"), "not a database at all"),
    ],
    [
      "the log cannot be written",
      () => {
        rmSync(here().node.logFile);
        mkdirSync(here().node.logFile);
      },
    ],
  ];
  test.each(lost)("takes links and rules away though %s", async (_, lose) => {
    await add(here().node, network(), at());
    lose();
    await succeed(here().node, "DEL", network(), at());
    expect(kernelState(here().pod)).toEqual(here().empty);
  });

  test.each<[string, JsonObject]>([
    ["its plugin is unknown by now", { plugin: { type: "vxlan" } }],
    ["its masters are gone from the configuration", { masters: ["eth9"] }],
    ["its IPAM is another by now", { ipam: { type: "nowhere" }, multiNICIPAM: false }],
    ["its subnet is none", { subnet: "none" }],
  ])("works from the record though %s", async (_, changed) => {
    await add(here().node, network(), at());
    await succeed(here().node, "DEL", { ...network(), ...changed }, at());
    expect(kernelState(here().pod)).toEqual(here().empty);
    expect(storeOf(here().node)).toEqual(emptyStore);
  });

  test.each<[string, JsonObject]>([
    ["nothing was ever added", {}],
    ["ADD refused the configuration", { plugin: { type: "vxlan" } }],
    ["its IPAM is not installed", { ipam: { type: "nowhere" }, multiNICIPAM: false }],
  ])("succeeds where %s", async (_, more) => {
    await succeed(here().node, "DEL", network(more), at());
    expect(kernelState(here().pod)).toEqual(here().empty);
  });

  test("takes links and addresses away with no CNI_NETNS", async () => {
    await add(here().node, network(), at());
    await succeed(here().node, "DEL", network(), { netns: "" });
    expect(storeOf(here().node)).toEqual(emptyStore);
    expect(kernelState(here().pod)).toEqual(here().empty);
  });

  // As it is left where unmounting was all that came of removing it.
  test.each<[string, (path: string) => void]>([
    ["is no more", () => undefined],
    ["is a plain file by now", (path) => writeFileSync(path, "")],
  ])("frees the addresses where the namespace %s", async (_, leave) => {
    const { path, ...gone } = makeNamespace("gone");
    await add(here().node, network(), { netns: path });
    gone[Symbol.dispose]();
    leave(path);
    await succeed(here().node, "DEL", network(), { netns: path });
    rmSync(path, { force: true });
    expect(storeOf(here().node)).toEqual(emptyStore);
  });

  test("takes one attachment of a pod and leaves the others", async () => {
    await add(here().node, network(), at());
    const second = { ...at(), ifname: "net2" };
    const result = await add(here().node, network(), second);
    await succeed(here().node, "DEL", network(), at());
    expect(ifnamesOf(here().pod)).toEqual(["net2-0", "net2-1"]);
    await succeed(here().node, "CHECK", withPrevResult(network(), result), second);
  });

  test("needs no CNI_PATH", async () => {
    await add(here().node, network(), at());
    await succeed(here().node, "DEL", network(), { ...at(), path: "" });
    expect(kernelState(here().pod)).toEqual(here().empty);
  });

  test("keeps addresses back for a while before they are given out again", async () => {
    const first = await add(here().node, network(), at());
    await succeed(here().node, "DEL", network(), at());
    const next = await add(here().node, network(), at());
    expect(next.ips.map(({ address }) => address)).not.toEqual(first.ips.map(({ address }) => address));
  });
});
