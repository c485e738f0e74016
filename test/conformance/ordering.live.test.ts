import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { JsonObject } from "../../lib/cni/json.ts";
import { type FakeIpam, makeFakeIpam } from "../live/fake-ipam.ts";
import { kernelState } from "../live/kernel-state.ts";
import { emptyStore, storeOf, tamperStore } from "../live/node.ts";
import { type Answer, add, bin, call, refused, succeed, withPrevResult } from "../live/plugin.ts";
import { at, atOther, here, ifnamesOf, network, useScene, valid } from "../live/scene.ts";

/* A DEL or GC that comes before, during or after the ADD it belongs to. */

useScene();

/** An IPAM that takes its time over the first NIC. */
let slow: FakeIpam;
beforeEach(() => {
  slow = makeFakeIpam(`n=$((\${CNI_IFNAME##*-} + 1)); [ $n = 2 ] || sleep 0.7
    echo "{\\"cniVersion\\":\\"1.1.0\\",\\"ips\\":[{\\"address\\":\\"10.5.0.$n/24\\"}]}"`);
});
afterEach(() => slow[Symbol.dispose]());

const delegating = (more: JsonObject = {}) =>
  network({ multiNICIPAM: false, ipam: { type: slow.type }, ...more });
const withPath = () => ({ ...at(), path: `${bin}:${slow.folder}` });

/** An ADD that is at work: its IPAM was called and has not answered. */
async function addAtWork(): Promise<{ readonly answer: Promise<Answer>; isDone(): boolean }> {
  let done = false;
  const answer = call(here().node, "ADD", delegating(), withPath()).finally(() => {
    done = true;
  });
  await expect.poll(() => slow.calls().length, { interval: 5, timeout: 10_000 }).toBe(1);
  return { answer, isDone: () => done };
}

function expectNothingLeft(): void {
  expect(kernelState(here().pod)).toEqual(here().empty);
  expect(storeOf(here().node)).toEqual(emptyStore);
}

/** Of each NIC the IPAM was asked for an address and then told that it is free. */
function expectAllFreed(): void {
  const named = (verb: string) =>
    new Set(slow.calls().flatMap(({ command, ifname }) => (command === verb ? [ifname] : [])));
  expect(named("DEL")).toEqual(new Set([...named("ADD"), ...named("DEL")]));
}

describe("DEL", () => {
  test("before its ADD succeeds, and does not keep ADD from being served", async () => {
    await succeed(here().node, "DEL", network(), at());
    const result = await add(here().node, network(), at());
    await succeed(here().node, "CHECK", withPrevResult(network(), result), at());
  });

  test("during its ADD waits for it, and takes away what it made", async () => {
    const { answer, isDone } = await addAtWork();
    await succeed(here().node, "DEL", delegating(), withPath());
    expect(isDone()).toBe(true);
    expect((await answer).exitCode).toBe(0);
    expectNothingLeft();
    expectAllFreed();
  });

  test("during its ADD, though its namespace is gone by then, waits too", async () => {
    const { answer, isDone } = await addAtWork();
    await succeed(here().node, "DEL", delegating(), { ...withPath(), netns: "" });
    expect(isDone()).toBe(true);
    expect((await answer).exitCode).toBe(0);
    expectNothingLeft();
    expectAllFreed();
  });

  test("of another attachment does not wait", async () => {
    await add(here().node, network(), { ...at(), ifname: "net2" });
    const { answer, isDone } = await addAtWork();
    await succeed(here().node, "DEL", network(), { ...at(), ifname: "net2" });
    expect(isDone()).toBe(false);
    expect((await answer).exitCode).toBe(0);
    expect(ifnamesOf(here().pod)).toEqual(["net1-0", "net1-1"]);
  });

  test("after its ADD may come as often as it likes", async () => {
    await add(here().node, network(), at());
    for (const netns of [here().pod.path, here().pod.path, "", "/run/netns/nowhere"]) {
      await succeed(here().node, "DEL", network(), { netns });
      expectNothingLeft();
    }
  });

  // What a DEL does that could not wait for the lock any longer; it has waited 20 s by then.
  test.each([
    ["is taking it away", "UPDATE attachments SET state = 'deleting'"],
    ["has taken its record away", "DELETE FROM leases; DELETE FROM attachments"],
  ])("that %s: ADD says to try again, and leaves nothing", async (_, sql) => {
    const { answer } = await addAtWork();
    tamperStore(here().node, sql);
    const { exitCode, document } = await answer;
    expect({ exitCode, document }).toMatchObject({
      exitCode: 1,
      document: { code: 11, msg: expect.stringMatching(/DEL of net1 came while ADD was at work/) },
    });
    expectNothingLeft();
    expectAllFreed();
  });
});

describe("ADD", () => {
  test("twice at once is served once; the other says that it exists", async () => {
    const answers = await Promise.all([0, 1].map(() => call(here().node, "ADD", network(), at())));
    expect(answers.map(({ exitCode }) => exitCode).sort()).toEqual([0, 1]);
    expect(answers.find(({ exitCode }) => exitCode === 1)?.document).toMatchObject({ code: 105 });
    expect(storeOf(here().node).leases).toHaveLength(2);
    expect(ifnamesOf(here().pod)).toEqual(["net1-0", "net1-1"]);
  });

  test("at the same time as CHECK is not found half made", async () => {
    const { answer } = await addAtWork();
    const nothing = withPrevResult(delegating(), { interfaces: [], ips: [], routes: [], dns: {} });
    expect(await refused(here().node, "CHECK", nothing, withPath())).toMatchObject({
      code: 106,
      msg: expect.stringMatching(/half made/),
    });
    expect((await answer).exitCode).toBe(0);
  });
});

describe("GC while an ADD is at work", () => {
  // The runtime's list is of attachments that were made: one that is being made cannot be on it.
  test("leaves what is being added, and its IPAM is told to do so", async () => {
    await add(here().node, network(), atOther());
    const { answer, isDone } = await addAtWork();
    await succeed(here().node, "GC", delegating(valid()), { ...withPath(), netns: "" });
    expect(isDone()).toBe(false);
    expect(ifnamesOf(here().other)).toEqual([]);
    const { exitCode, document } = await answer;
    expect(exitCode).toBe(0);
    await succeed(here().node, "CHECK", { ...delegating(), prevResult: document ?? {} }, withPath());
    const [gc] = slow.calls().filter(({ command }) => command === "GC");
    const listed = ["net1-0", "net1-1"].map((ifname) => ({ containerID: "c1", ifname }));
    expect(gc?.conf["cni.dev/valid-attachments"]).toEqual(expect.arrayContaining(listed));
  });

  test("takes away what a process left half made that is no more", async () => {
    await add(here().node, network(), at());
    tamperStore(here().node, "UPDATE attachments SET state = 'adding', pid = 2147483647");
    await succeed(here().node, "GC", network(valid({ containerID: "c1", ifname: "net1" })));
    expectNothingLeft();
  });
});
