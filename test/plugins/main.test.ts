import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

const main = join(import.meta.dirname, "../../plugins/main.ts");

interface Called {
  readonly as: string;
  readonly args: readonly string[];
}

/** A call of this verb, with no more of an environment than it takes. */
const run = ({ as, args }: Called, verb: string) =>
  spawnSync(process.execPath, ["--disable-warning=ExperimentalWarning", main, ...args], {
    argv0: as,
    encoding: "utf8",
    input: '{"cniVersion":"1.1.0","name":"n","type":"t"}',
    env: {
      CNI_COMMAND: verb,
      CNI_CONTAINERID: "c1",
      CNI_IFNAME: "net1",
      CNI_PATH: "/opt/cni/bin",
      MULTI_NIC_CNI_LOG_FILE: "off",
    },
    timeout: 20_000,
  });

test.each<[string, Called, string]>([
  ["a plugin by its name", { as: "/opt/cni/bin/multi-nic", args: ["--version"] }, "multi-nic "],
  ["a plugin by its first argument", { as: "node", args: ["infra-dpu-cni", "--version"] }, "infra-dpu-cni "],
  ["a command by its name", { as: "multi-nicd", args: ["--version"] }, "multi-nicd "],
  ["a command by its first argument", { as: "node", args: ["multi-nic-doctor", "--version"] }, "multi-nic-d"],
  ["a name before an argument", { as: "multi-nic-ipam", args: ["multi-nicd"] }, '{"cniVersion"'],
])("serves %s", (_, called, begin) => {
  const { status, stdout } = run(called, "VERSION");
  expect({ status, begin: stdout.slice(0, begin.length) }).toEqual({ status: 0, begin });
});

test.each<[string, Called]>([
  ["a name that it does not know", { as: "multus", args: [] }],
  ["an argument that it does not know", { as: "node", args: ["multus"] }],
  ["what every object has, as a name", { as: "constructor", args: [] }],
  ["what every object has, as an argument", { as: "node", args: ["toString"] }],
  ["a daemon that a runtime takes for a plugin", { as: "/opt/cni/bin/multi-nicd", args: [] }],
  ["a command that a runtime takes for a plugin", { as: "multi-nic-doctor", args: [] }],
  [
    "a command that a runtime takes for a plugin, by its first argument",
    { as: "node", args: ["multi-nic-concheck"] },
  ],
])("refuses %s", (_, called) => {
  const { status, stdout } = run(called, "STATUS");
  expect(status).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    msg: "this executable was called by a name that is no plugin of it",
  });
});

test.each(["DEL", "GC"])("%s by a name that is no plugin ends well: nothing was made by it", (verb) => {
  for (const as of ["multus", "multi-nic-doctor"]) {
    expect(run({ as, args: [] }, verb)).toMatchObject({ status: 0, stdout: "" });
  }
});
