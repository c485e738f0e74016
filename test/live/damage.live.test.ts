import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import type { Command } from "../../lib/cni/invocation.ts";
import type { JsonObject } from "../../lib/cni/json.ts";
import { damages, database, execute, full, readOnly, room } from "./damages.ts";
import { type Bed, makeBed } from "./faults/bed.ts";
import { inStore } from "./faults/leftovers.ts";
import { type Ended, run } from "./faults/strace.ts";
import { type MountNamespace, makeMountNamespace } from "./mounts.ts";
import { bin } from "./plugin.ts";

let bed: Bed;
beforeAll(async () => {
  bed = await makeBed(bin, { type: "macvlan" });
});
afterAll(() => bed?.[Symbol.dispose]());

const folder = () => bed.node.stateDir;

/** All files of the state folder, less those that any call makes anew: two of SQLite's, and one without content. */
function contents(root = ""): unknown {
  const path = root + folder();
  if (!statSync(path).isDirectory()) return hashOf(path);
  const lasting = readdirSync(path, { withFileTypes: true }).filter(
    ({ name }) => !/-(wal|shm)$|^locks$/.test(name),
  );
  return lasting.map((entry) => [entry.name, entry.isFile() && hashOf(join(path, entry.name))]);
}

const hashOf = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex");

const mountsOf = (made: unknown): MountNamespace | undefined =>
  typeof made === "object" && made !== null && "enter" in made ? (made as MountNamespace) : undefined;

function errorIn({ exitCode, stdout, stderr }: Ended): { code: number; msg: string } {
  expect(exitCode, stdout + stderr).toBe(1);
  return JSON.parse(stdout);
}

describe("with a pod attached:", () => {
  let prevResult: JsonObject;
  beforeEach(async () => {
    bed.restore("used");
    rmSync(bed.node.logFile, { force: true });
    prevResult = JSON.parse((await bed.call("ADD")).stdout);
    onTestFinished(async () => {
      rmSync(folder(), { recursive: true, force: true });
      await bed.call("DEL");
      expect(bed.state()).toBe(bed.empty);
    });
  });
  const listed = { "cni.dev/valid-attachments": [{ containerID: "c1", ifname: "net1" }] };

  test.each(damages)(
    "%s: all but DEL say so and change nothing, DEL takes the links",
    async (_, spoil, says) => {
      using mounts = mountsOf(await spoil(folder()));
      const call = (
        command: Command,
        more: JsonObject = {},
        who: "pod" | "other" = "pod",
        name = "multi-nic",
      ) => run(bed.node, { ...bed.invoked(command, more, who), file: join(bin, name) }, mounts?.enter);
      const before = { kernel: bed.state(), state: contents(mounts?.root) };

      for (const name of ["multi-nic", "multi-nic-ipam"]) {
        const error = errorIn(await call("ADD", {}, "other", name));
        expect(error).toMatchObject({ code: 5, msg: expect.stringMatching(says) });
        expect(errorIn(await call("STATUS", {}, "pod", name)).code).toBe(50);
      }
      expect(errorIn(await call("CHECK", { prevResult }))).toMatchObject({
        code: 5,
        msg: expect.stringMatching(says),
      });
      // Where nothing has to be written, GC may find so.
      const gc = await call("GC", listed);
      if (gc.exitCode !== 0) expect(errorIn(gc)).toMatchObject({ code: 5, msg: expect.stringMatching(says) });
      expect({ kernel: bed.state(), state: contents(mounts?.root) }).toEqual(before);

      for (const name of ["multi-nic", "multi-nic", "multi-nic-ipam"]) {
        expect(await call("DEL", {}, "pod", name)).toMatchObject({ exitCode: 0, stdout: "" });
      }
      expect(bed.state()).toBe(bed.empty);
      const again = errorIn(await call("ADD", {}, "other"));
      expect(again, "nothing was rebuilt").toMatchObject({ code: 5, msg: expect.stringMatching(says) });
      expect(readFileSync(bed.node.logFile, "utf8")).toContain("DEL goes on without the store");
    },
  );

  const harmless: readonly (readonly [string, () => void])[] = [
    ["-wal", () => writeFileSync(`${database(folder())}-wal`, randomBytes(9000))],
    ["-shm", () => writeFileSync(`${database(folder())}-shm`, randomBytes(32_768))],
    ["-journal", () => writeFileSync(`${database(folder())}-journal`, randomBytes(9000))],
  ];
  test.each(harmless)("noise in state.db%s, which nobody is writing, costs nothing", async (_, spoil) => {
    spoil();
    expect(await bed.call("CHECK", { prevResult })).toMatchObject({ exitCode: 0 });
    expect(await bed.call("ADD", {}, "other")).toMatchObject({ exitCode: 0 });
    expect(await bed.call("CHECK", { prevResult })).toMatchObject({ exitCode: 0 });
    for (const who of ["pod", "other"] as const) {
      expect(await bed.call("DEL", {}, who)).toMatchObject({ exitCode: 0, stdout: "" });
    }
    expect(inStore(folder())).toEqual([]);
  });

  const plans: readonly (readonly [string, string])[] = [
    ["noise", "hex(randomblob(99))"],
    ["cut off", "substr(plan, 1, 500)"],
    ["another's", `'{"links":7}'`],
  ];
  test.each(plans)(
    "its plan is %s: CHECK says so, and DEL takes links, rules and leases",
    async (_, plan) => {
      execute(folder(), `UPDATE attachments SET plan = ${plan}`);
      expect(errorIn(await bed.call("CHECK", { prevResult }))).toMatchObject({
        code: 5,
        msg: expect.stringMatching(/plan of net1 .*state database.*; delete the pod/),
      });
      expect(await bed.call("DEL")).toMatchObject({ exitCode: 0, stdout: "" });
      expect(bed.state()).toBe(bed.empty);
      expect(inStore(folder())).toEqual([]);
    },
  );

  test("its plan is noise: GC takes links, rules and leases", async () => {
    execute(folder(), "UPDATE attachments SET plan = 'x'");
    const none = { "cni.dev/valid-attachments": [] };
    expect(await bed.call("GC", none)).toMatchObject({ exitCode: 0, stdout: "" });
    expect(bed.state()).toBe(bed.empty);
    expect(inStore(folder())).toEqual([]);
  });
});

describe("on a node where nothing was attached yet, ADD says so and leaves nothing, where", () => {
  test.each<[string, string]>([
    ["the folder is read-only", readOnly],
    ["the folder's disk is full", full],
  ])("%s", async (_, script) => {
    bed.restore("none");
    mkdirSync(folder(), { mode: 0o700 });
    using mounts = await makeMountNamespace(script, folder());
    const before = contents(mounts.root);
    const error = errorIn(await run(bed.node, bed.invoked("ADD"), mounts.enter));
    expect(error).toMatchObject({ code: 5, msg: expect.stringMatching(room) });
    expect(await run(bed.node, bed.invoked("DEL"), mounts.enter)).toMatchObject({ exitCode: 0, stdout: "" });
    expect(bed.state()).toBe(bed.empty);
    expect(contents(mounts.root)).toEqual(before);
  });
});

test("a disk that has room again is used again, and nothing of the time between is kept", async () => {
  bed.restore("used");
  using mounts = await makeMountNamespace(full, folder());
  const call = (command: Command) => run(bed.node, bed.invoked(command), mounts.enter);
  expect(errorIn(await call("ADD")).code).toBe(5);
  rmSync(join(mounts.root + folder(), "fill"));
  expect(await call("ADD")).toMatchObject({ exitCode: 0 });
  expect(await call("DEL")).toMatchObject({ exitCode: 0, stdout: "" });
  expect([...inStore(mounts.root + folder()), bed.state()]).toEqual([bed.empty]);
});
