import { readFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import type { JsonObject } from "../../lib/cni/json.ts";
import { type FakeIpam, makeFakeIpam } from "../live/fake-ipam.ts";
import { addressesOf, kernelState } from "../live/kernel-state.ts";
import { emptyStore, storeOf } from "../live/node.ts";
import { add, bin, call, refused, succeed, withPrevResult } from "../live/plugin.ts";
import { at, here, network, useScene, valid } from "../live/scene.ts";

/* Delegation, by topics of the tests of the reference's invoke: multi-nic runs an IPAM that is not its own. */

useScene();

let ipam: FakeIpam;
afterEach(() => ipam?.[Symbol.dispose]());

/** An IPAM that gives 10.5.0.<place of the NIC + 1>. */
const answer = (result: string) => `n=$((\${CNI_IFNAME##*-} + 1)); echo '${result}' | sed "s/NIC/$n/"`;
const good = answer('{"cniVersion":"1.1.0","ips":[{"address":"10.5.0.NIC/24"}]}');

const delegating = (more: JsonObject = {}) =>
  network({ multiNICIPAM: false, ipam: { type: ipam.type, own: { key: [1, "two"] } }, ...more });
const found = () => ({ ...at(), path: `${bin}:/nowhere:${ipam.folder}` });

async function expectNothingLeft(): Promise<void> {
  expect(kernelState(here().pod)).toEqual(here().empty);
  expect(storeOf(here().node)).toEqual(emptyStore);
}

describe("the delegate", () => {
  test("is found in any folder of CNI_PATH, and gets its verb, its interface and the whole configuration", async () => {
    ipam = makeFakeIpam(good);
    const result = await add(here().node, delegating(), found());
    await succeed(here().node, "CHECK", withPrevResult(delegating(), result), found());
    await succeed(here().node, "STATUS", delegating(), found());
    const list = valid({ containerID: "c1", ifname: "net1" });
    await succeed(here().node, "GC", delegating(list), found());
    await succeed(here().node, "DEL", delegating(), found());
    const calls = ipam.calls().map(({ command, ifname }) => `${command} ${ifname}`);
    const each = (verb: string) => [`${verb} net1-0`, `${verb} net1-1`];
    // Of the network, not of an interface, are STATUS and GC: their CNI_IFNAME is the call's.
    const ofNetwork = ["STATUS net1", "GC net1"];
    expect(calls).toEqual([...each("ADD"), ...each("CHECK"), ...ofNetwork, ...each("DEL")]);
    for (const { conf } of ipam.calls()) {
      expect(conf).toMatchObject({ cniVersion: "1.1.0", name: "n1", ipam: { own: { key: [1, "two"] } } });
    }
    await expectNothingLeft();
  });

  test.each<[string, string, number, RegExp]>([
    ["is missing", "not-installed", 102, /^type: no plugin "not-installed" in .*\/nowhere.*install it there/],
    [
      "has a separator in its name",
      "../../bin/sh",
      7,
      /^type: "\.\.\/\.\.\/bin\/sh" is not the name of a plugin/,
    ],
    ["is a folder", ".", 7, /^type: "\." is not/],
  ])("%s: ADD is refused, and nothing is made", async (_, type, code, says) => {
    ipam = makeFakeIpam(good);
    const error = await refused(here().node, "ADD", delegating({ ipam: { type } }), found());
    expect(error).toMatchObject({ code, msg: expect.stringMatching(says) });
    await expectNothingLeft();
  });

  const ends: readonly (readonly [string, () => Promise<unknown>])[] = [
    ["DEL", () => succeed(here().node, "DEL", delegating(), found())],
    ["DEL without a namespace", () => succeed(here().node, "DEL", delegating(), { ...found(), netns: "" })],
    ["GC, which cannot ask it for more,", () => refused(here().node, "GC", delegating(valid()), found())],
  ];
  test.each(ends)(
    "is gone while a pod has its addresses: %s takes all else away, and says so in the log",
    async (_, end) => {
      ipam = makeFakeIpam(good, "exit 1");
      await add(here().node, delegating(), found());
      expect(await refused(here().node, "DEL", delegating(), found())).toMatchObject({ code: 102 });
      ipam.uninstall();
      await end();
      await expectNothingLeft();
      const log = readFileSync(here().node.logFile, "utf8");
      for (const ifname of ["net1-0", "net1-1"])
        expect(log).toMatch(new RegExp(`an IPAM that is gone keeps .*"ipam":"fake-ipam","link":"${ifname}"`));
    },
  );

  test("is not run with the verb of another: what DEL calls is asked for DEL alone", async () => {
    ipam = makeFakeIpam(good);
    await succeed(here().node, "DEL", delegating(), found());
    expect(ipam.calls().map(({ command }) => command)).toEqual(["DEL"]);
  });

  test("is asked, by a DEL that knows only a result, for each interface once that the attachment can have had", async () => {
    ipam = makeFakeIpam(good);
    const foreign = ["eth0", "net10", "net1-", "net1-00", "net1-256", "net1-1-0", "net1-x"];
    const shown = ["net1-1", ...foreign, "net1-0", "net1-1", "net1"];
    const names = [...shown, ...Array.from({ length: 100 }, (_, i) => `net1-${i + 300}`)];
    const prevResult = { cniVersion: "1.1.0", interfaces: names.map((name) => ({ name })) };
    await succeed(here().node, "DEL", delegating({ prevResult }), { ...found(), netns: "" });
    expect(ipam.calls().map(({ ifname }) => ifname)).toEqual(["net1", "net1-0", "net1-1"]);
  });

  test("has its stderr passed on, and nothing of it on stdout", async () => {
    ipam = makeFakeIpam(`echo "I say: $CNI_IFNAME" >&2\n${good}`);
    const { exitCode, stderr } = await call(here().node, "ADD", delegating(), found());
    expect(exitCode).toBe(0);
    expect(stderr).toBe("I say: net1-0\nI say: net1-1\n");
  });

  test("sees the trace of the caller, and no more environment than the caller gave", async () => {
    ipam = makeFakeIpam(
      `[ -z "$NODE_OPTIONS$HOME" ] && [ -n "$MULTI_NIC_CNI_STATE_DIR" ] || exit 9\n${good}`,
    );
    await add(here().node, delegating(), found());
  });
});

describe("its result", () => {
  test.each<[string, string, string]>([
    ["0.1.0", "ip4", '{"ip4":{"ip":"10.5.0.NIC/24"}}'],
    ["0.2.0", "ip4", '{"ip4":{"ip":"10.5.0.NIC/24"}}'],
    ["0.3.0", "ips", '{"ips":[{"version":"4","address":"10.5.0.NIC/24"}]}'],
    ["0.3.1", "ips", '{"ips":[{"version":"4","address":"10.5.0.NIC/24"}]}'],
    ["0.4.0", "ips", '{"ips":[{"version":"4","address":"10.5.0.NIC/24"}]}'],
    ["1.0.0", "ips", '{"ips":[{"address":"10.5.0.NIC/24"}]}'],
    ["1.1.0", "ips", '{"ips":[{"address":"10.5.0.NIC/24"}]}'],
  ])("without a version is read as of the configuration's: %s has %s", async (cniVersion, _, result) => {
    ipam = makeFakeIpam(answer(result));
    await succeed(here().node, "ADD", delegating({ cniVersion }), found());
    expect(addressesOf(here().pod, "net1-0")).toEqual(["10.5.0.1/24"]);
    expect(addressesOf(here().pod, "net1-1")).toEqual(["10.5.0.2/24"]);
  });

  test("of an older version than the configuration's is read as what it says it is", async () => {
    ipam = makeFakeIpam(answer('{"cniVersion":"0.2.0","ip4":{"ip":"10.5.0.NIC/24"}}'));
    const { ips } = await add(here().node, delegating(), found());
    expect(ips.map(({ address }) => address)).toEqual(["10.5.0.1/24", "10.5.0.2/24"]);
  });

  test.each<[string, string, number, RegExp]>([
    ["nothing", "exit 0", 102, /^fake-ipam: ADD failed/],
    ["noise", "echo hello", 102, /^fake-ipam: ADD failed/],
    ["a typed error", `echo '{"code":11,"msg":"busy","details":"later"}'; exit 1`, 11, /^fake-ipam: busy/],
    ["a failure without one", "echo no luck >&2; exit 3", 102, /^fake-ipam: ADD failed/],
    ["a death", "kill -9 $$", 102, /^fake-ipam: ADD failed/],
  ])("may be %s: ADD fails and is undone, the delegate's call too", async (_, script, code, says) => {
    ipam = makeFakeIpam(script);
    const error = await refused(here().node, "ADD", delegating(), found());
    expect(error).toMatchObject({ code, msg: expect.stringMatching(says) });
    expect(ipam.calls().map(({ command }) => command)).toContain("DEL");
    await expectNothingLeft();
  });
});

describe("an error of the delegate at", () => {
  const failing = `echo '{"code":99,"msg":"not now"}'; exit 1`;
  const error = { code: 99, msg: expect.stringMatching(/^fake-ipam: not now/) };

  test("CHECK is CHECK's", async () => {
    ipam = makeFakeIpam(good, failing);
    const result = await add(here().node, delegating(), found());
    const checked = withPrevResult(delegating(), result);
    expect(await refused(here().node, "CHECK", checked, found())).toMatchObject(error);
  });

  test("GC is GC's, after all of ours is collected", async () => {
    ipam = makeFakeIpam(good, `[ $CNI_COMMAND != GC ] || { ${failing}; }`);
    await add(here().node, delegating(), found());
    expect(await refused(here().node, "GC", delegating(valid()), found())).toMatchObject(error);
    await expectNothingLeft();
  });

  test("DEL is DEL's: the links are gone, the record stays for the next DEL, which ends it", async () => {
    ipam = makeFakeIpam(good, `[ $CNI_IFNAME != net1-0 ] || [ -e "$0.well" ] || { ${failing}; }`);
    await add(here().node, delegating(), found());
    expect(await refused(here().node, "DEL", delegating(), found())).toMatchObject(error);
    expect(kernelState(here().pod)).toEqual(here().empty);
    expect(storeOf(here().node).attachments).toEqual(["c1 net1"]);
    // What fails does not keep the others from being freed.
    expect(ipam.calls().at(-1)).toMatchObject({ command: "DEL", ifname: "net1-1" });
    ipam.recover();
    await succeed(here().node, "DEL", delegating(), found());
    await expectNothingLeft();
  });

  test.each([
    [50, 50],
    [51, 51],
    [11, 50],
  ])("STATUS with code %i is STATUS's, with code %i", async (code, ours) => {
    ipam = makeFakeIpam(good, `echo '{"code":${code},"msg":"server away"}'; exit 1`);
    const status = await refused(here().node, "STATUS", delegating(), found());
    expect(status).toMatchObject({ code: ours, msg: "fake-ipam: server away" });
  });
});
