import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { execute } from "../../lib/cni/execute.ts";
import type { Invocation } from "../../lib/cni/invocation.ts";
import type { Plugin } from "../../lib/cni/plugin.ts";
import { emptyResult } from "../../lib/cni/result.ts";
import { plugin as infraDpuCni } from "../../plugins/infra-dpu-cni/main.ts";
import { parseMultiNicConf } from "../../plugins/multi-nic/conf.ts";
import { delegatesOf, planDelegates } from "../../plugins/multi-nic/ipam/delegates.ts";
import { ownAddressing } from "../../plugins/multi-nic/ipam/own.ts";
import { plugin as multiNicIpam } from "../../plugins/multi-nic-ipam/main.ts";
import { structured } from "./arbitrary-configuration.ts";
import { environment } from "./arbitrary-environment.ts";
import { huge } from "./arbitrary-huge.ts";
import { mangled } from "./arbitrary-mangled.ts";
import { expectOneAnswer, fewRuns, inTime, numRuns, timeout } from "./case.ts";

const nic = {
  name: "eth1",
  index: 2,
  mac: undefined,
  mtu: 1500,
  up: true,
  carrier: true,
  addresses: [],
  physical: true,
  defaultRoute: false,
};

const links = Array.from({ length: 8 }, (_, i) => ({ ifname: `net1-${i}`, master: `eth${i}` }));

/** multi-nic without the kernel: every verb does all the parsing and deciding that comes before it. The verbs: verbs.live.test.ts. */
const parsing = async (invocation: Invocation) => {
  const conf = parseMultiNicConf(invocation);
  if (conf.ipam.mode === "own") ownAddressing(invocation, [{ nic, interfaceIndex: 0 }], undefined);
  for (const { conf: told } of delegatesOf(conf.ipam, invocation)) JSON.stringify(told);
  planDelegates(conf.ipam, invocation, links);
};
const multiNic: Plugin = {
  name: "multi-nic",
  about: "",
  verbs: async () => ({
    add: async (invocation) => parsing(invocation).then(() => emptyResult),
    del: parsing,
    check: parsing,
    status: parsing,
    gc: parsing,
  }),
};

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "fuzz-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const plugins = [multiNic, multiNicIpam, infraDpuCni];
const texts = [
  { kind: "structured", text: structured, runs: numRuns, least: numRuns / 20 },
  { kind: "mangled", text: mangled, runs: numRuns, least: numRuns / 20 },
  { kind: "huge", text: huge, runs: fewRuns, least: 1 },
];

describe.each(plugins)("$name", (plugin) => {
  test.each(texts)(
    "answers every $kind configuration once, with a code of its own, in its time",
    { timeout },
    async ({ text, runs, least }) => {
      let served = 0;
      await fc.assert(
        fc.asyncProperty(environment, text, async (variables, stdin) => {
          const env = {
            ...variables,
            MULTI_NIC_CNI_STATE_DIR: join(folder, "state"),
            MULTI_NIC_CNI_LOG_FILE: "off",
          };
          const outcome = await inTime(() =>
            execute(plugin, { env, readStdin: () => stdin, ownNetns: () => false }),
          );
          expectOneAnswer(outcome, { anyCode: plugin === infraDpuCni });
          if (outcome.exitCode === 0) served += 1;
        }),
        { numRuns: runs },
      );
      // Cases that all stop at the first check would try nothing behind it.
      expect(served).toBeGreaterThan(least);
    },
  );

  test("has made no file beside its state", () => {
    expect(readdirSync(folder).filter((name) => name !== "state")).toEqual([]);
  });
});
