import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ErrorCode } from "../../lib/cni/error.ts";
import { execute, type Outcome } from "../../lib/cni/execute.ts";
import type { Invocation } from "../../lib/cni/invocation.ts";
import type { Plugin } from "../../lib/cni/plugin.ts";
import { emptyResult } from "../../lib/cni/result.ts";
import { plugin as infraDpuCni } from "../../plugins/infra-dpu-cni/main.ts";
import { parseMultiNicConf } from "../../plugins/multi-nic/conf.ts";
import { ownAddressing } from "../../plugins/multi-nic/ipam/own.ts";
import { plugin as multiNicIpam } from "../../plugins/multi-nic-ipam/main.ts";
import { environment, mangled, structured } from "./arbitrary-configuration.ts";

/** Cases of each property. A few hundred in every run; scripts/reliability.sh asks for many. */
const numRuns = Number(process.env.MULTI_NIC_CNI_FUZZ_RUNS ?? 300);

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

/** multi-nic without the kernel: every verb does all the parsing and deciding that comes before it. */
const parsing = async (invocation: Invocation) => {
  const conf = parseMultiNicConf(invocation);
  if (conf.ipam.mode === "own") ownAddressing(invocation, [{ nic, interfaceIndex: 0 }], undefined);
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

const allowed = new Set<number>(Object.values(ErrorCode).filter((code) => code !== ErrorCode.internal));

function expectOneAnswer({ stdout, exitCode }: Outcome, plugin: Plugin): void {
  if (stdout === "") {
    expect(exitCode).toBe(0);
    return;
  }
  const document = JSON.parse(stdout);
  expect(stdout.endsWith("}\n")).toBe(true);
  if (exitCode === 0) return;
  expect(typeof document.msg).toBe("string");
  expect(document.msg).not.toBe("");
  // infra-dpu-cni refuses with any code that its configuration names.
  if (plugin !== infraDpuCni) expect(allowed).toContain(document.code);
  else expect(document.code).not.toBe(ErrorCode.internal);
}

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "fuzz-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const plugins = [multiNic, multiNicIpam, infraDpuCni];
const texts = { structured, mangled };

describe.each(plugins)("$name", (plugin) => {
  test.each(Object.entries(texts))(
    "answers every %s configuration once, with a code of its own",
    async (_kind, text) => {
      let served = 0;
      await fc.assert(
        fc.asyncProperty(environment, text, async (variables, stdin) => {
          const env = {
            ...variables,
            MULTI_NIC_CNI_STATE_DIR: join(folder, "state"),
            MULTI_NIC_CNI_LOG_FILE: "off",
          };
          const outcome = await execute(plugin, { env, readStdin: () => stdin, ownNetns: () => false });
          expectOneAnswer(outcome, plugin);
          if (outcome.exitCode === 0) served += 1;
        }),
        { numRuns },
      );
      // Cases that all stop at the first check would try nothing behind it.
      expect(served).toBeGreaterThan(numRuns / 20);
    },
  );

  test("has made no file beside its state", () => {
    expect(readdirSync(folder).filter((name) => name !== "state")).toEqual([]);
  });
});
