import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { execute } from "../../lib/cni/execute.ts";
import type { Plugin } from "../../lib/cni/plugin.ts";
import { emptyResult } from "../../lib/cni/result.ts";
import { plugin as infraDpuCni } from "../../plugins/infra-dpu-cni/main.ts";
import { plugin as multiNic } from "../../plugins/multi-nic/main.ts";
import { plugin as multiNicIpam } from "../../plugins/multi-nic-ipam/main.ts";
import { structured } from "./arbitrary-configuration.ts";
import { everyHuge, huge } from "./arbitrary-huge.ts";
import { mangled } from "./arbitrary-mangled.ts";
import { expectOneAnswer, fewRuns, inTime, numRuns, timeout } from "./case.ts";

/*
 * The plugins' real verbs, with a store, this machine's links, and an IPAM that is installed: all but the pod, which is
 * gone, so that ADD and CHECK come as far as its namespace.
 */

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "fuzz-verbs-"));
  for (const type of ["host-local", "static"]) {
    writeFileSync(join(folder, type), "#!/bin/sh\nexec cat >/dev/null\n");
    chmodSync(join(folder, type), 0o755);
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

const anyText = fc.oneof(
  { weight: 12, arbitrary: structured },
  { weight: 6, arbitrary: mangled },
  { weight: 1, arbitrary: huge },
);

function call(plugin: Plugin, verb: string, netns: string, stdin: string) {
  const env = {
    PATH: process.env.PATH ?? "",
    CNI_COMMAND: verb,
    CNI_CONTAINERID: "c1",
    CNI_NETNS: netns,
    CNI_IFNAME: "net1",
    CNI_PATH: folder,
    MULTI_NIC_CNI_STATE_DIR: join(folder, "state"),
    MULTI_NIC_CNI_LOG_FILE: join(folder, "log"),
  };
  return execute(plugin, { env, readStdin: () => stdin, ownNetns: () => false });
}

/** Does nothing, so what it fails with is what is wrong before any verb is served. */
const idle: Plugin = {
  name: "idle",
  about: "",
  verbs: async () => {
    const verb = async () => undefined;
    return { add: async () => emptyResult, del: verb, check: verb, status: verb, gc: verb };
  },
};

describe.each([multiNic, multiNicIpam])("$name", (plugin) => {
  test.each(["ADD", "CHECK", "STATUS", "GC"])(
    "%s of any configuration has one answer, with a code of its own, in its time",
    { timeout },
    async (verb) => {
      await fc.assert(
        fc.asyncProperty(anyText, async (stdin) => {
          const outcome = await inTime(() => call(plugin, verb, "/run/netns/none", stdin));
          expectOneAnswer(outcome, { anyCode: false });
          if (verb === "ADD" || verb === "CHECK") expect(outcome.exitCode).toBe(1);
        }),
        { numRuns: fewRuns },
      );
    },
  );

  test("DEL succeeds whatever the configuration says, once it says its name and version", {
    timeout,
  }, async () => {
    let served = 0;
    await fc.assert(
      fc.asyncProperty(anyText, fc.constantFrom("", "/run/netns/none"), async (stdin, netns) => {
        const outcome = await inTime(() => call(plugin, "DEL", netns, stdin));
        expect(outcome).toEqual(await call(idle, "DEL", netns, stdin));
        if (outcome.exitCode === 0) served += 1;
      }),
      { numRuns: Math.ceil(Math.max(300, numRuns / 5)) },
    );
    expect(served).toBeGreaterThan(100);
  });

  test("DEL succeeds whatever is huge, in its time", { timeout }, async () => {
    for (const [title, stdin] of everyHuge()) {
      const outcome = await inTime(() => call(plugin, "DEL", "", stdin), title);
      expect(outcome, title).toEqual(await call(idle, "DEL", "", stdin));
    }
  });

  test("ADD answers whatever is huge, with a code of its own, in its time", { timeout }, async () => {
    for (const [title, stdin] of everyHuge()) {
      const outcome = await inTime(() => call(plugin, "ADD", "/run/netns/none", stdin), title);
      expectOneAnswer(outcome, { anyCode: false });
      expect(outcome.exitCode, title).toBe(1);
    }
  });
});

test("infra-dpu-cni answers whatever is huge, in its time", { timeout }, async () => {
  for (const [title, stdin] of everyHuge()) {
    const outcome = await inTime(() => call(infraDpuCni, "ADD", "/run/netns/none", stdin), title);
    expectOneAnswer(outcome, { anyCode: true });
    expect(outcome.exitCode, title).toBe(1);
  }
});
