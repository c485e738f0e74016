import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { bin } from "./plugin.ts";

const megabytes = (count: number, unit: string): string => unit.repeat((count * 1024 * 1024) / unit.length);
const conf = (more: string): string =>
  `{"cniVersion":"1.1.0","name":"n1","type":"multi-nic","plugin":{"type":"macvlan"},${more}}`;

const inputs: [title: string, stdin: string | Uint8Array, code: number][] = [
  ["nothing", "", 6],
  ["noise", Uint8Array.from({ length: 65536 }, (_, i) => (i * 7919) % 251), 6],
  ["two documents", `${conf('"x":1')}${conf('"x":1')}`, 6],
  ["a document with bytes behind it", `${conf('"x":1')}\0`, 6],
  ["more than the limit", megabytes(5, " "), 5],
  ["one string of megabytes", conf(`"masters":["${megabytes(3, "x")}"]`), 3],
  ["a list of a million", conf(`"masters":[${"0,".repeat(1_000_000)}0]`), 7],
  ["a million keys", conf(Array.from({ length: 250_000 }, (_, i) => `"k${i}":0`).join(",")), 3],
  ["a nesting of a million", `${"[".repeat(1_000_000)}${"]".repeat(1_000_000)}`, 6],
  ["lone surrogates", conf('"masters":["\\ud800"]'), 3],
];

test.each(inputs)("%s: one error object, and an end", (_title, input, code) => {
  const env = {
    CNI_COMMAND: "ADD",
    CNI_CONTAINERID: "c1",
    CNI_NETNS: "/run/netns/nowhere",
    CNI_IFNAME: "net1",
    CNI_PATH: "/nonexistent",
    MULTI_NIC_CNI_STATE_DIR: "/nonexistent/state",
    MULTI_NIC_CNI_LOG_FILE: "off",
  };
  // The limit of time ends a hang; it measures nothing.
  const ended = spawnSync(join(bin, "multi-nic"), { env, input, encoding: "utf8", timeout: 20_000 });
  expect(ended.status, ended.stderr).toBe(1);
  expect(JSON.parse(ended.stdout)).toMatchObject({ code, msg: expect.stringMatching(/./) });
});
