import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { JsonObject } from "../../lib/cni/json.ts";
import { describeWhere, need } from "./kernel.ts";
import { bin } from "./plugin.ts";

/*
 * Whole executables with what nobody should send: as much as stdin may be, 4 MiB. GNU time tells the processor's time,
 * which says of a machine that is busy too what hangs.
 */
const time = need("time", spawnSync("/usr/bin/time", ["true"]).status === 0, "there is no /usr/bin/time");

/**
 * Seconds of processor, the start of Node included. What is linear takes a second or two; what grows with the square of
 * megabytes, minutes.
 */
const mostSeconds = 10;

const megabytes = (count: number, unit: string): string => unit.repeat((count * 1024 * 1024) / unit.length);
const conf = (more: string): string =>
  `{"cniVersion":"1.1.0","name":"n1","type":"multi-nic","plugin":{"type":"macvlan"},${more}}`;
const json = (more: JsonObject): string => conf(JSON.stringify(more).slice(1, -1));
const many = <T>(count: number, entry: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => entry(i));
const keys = (count: number, value: string): string => many(count, (i) => `"k${i}":${value}`).join(",");
const ids = many(
  250_000,
  (i) => `${(0x10000 + (i >> 8)).toString(16)}:${(256 + (i & 255)).toString(16).slice(1)}:00.0`,
);
const hostDevice = (more: string) => conf(more).replace("macvlan", "host-device");

/** `del`: what DEL fails with; 0 where ADD has to fail alone. */
const inputs: [title: string, stdin: string | Uint8Array, add: number, del: number][] = [
  ["nothing", "", 6, 6],
  ["noise", Uint8Array.from({ length: 65536 }, (_, i) => (i * 7919) % 251), 6, 6],
  ["two documents", `${conf('"x":1')}${conf('"x":1')}`, 6, 6],
  ["a document with bytes behind it", `${conf('"x":1')}\0`, 6, 6],
  ["more than the limit", megabytes(5, " "), 5, 5],
  ["one string of megabytes", conf(`"masters":["${megabytes(3, "x")}"]`), 3, 0],
  ["a list of a million", conf(`"masters":[${"0,".repeat(1_000_000)}0]`), 7, 0],
  ["a quarter of a million keys", conf(keys(250_000, "0")), 3, 0],
  ["a nesting of a million", `${"[".repeat(1_000_000)}${"]".repeat(1_000_000)}`, 6, 6],
  ["lone surrogates", conf('"masters":["\\ud800"]'), 3, 0],
  ["devices in one text", hostDevice(`"deviceID":"${ids.join()}"`), 7, 0],
  ["devices in one entry of a list", hostDevice(`"deviceIDs":["${ids.join()}"]`), 7, 0],
  ["commas for devices", hostDevice(`"deviceIDs":["${megabytes(3, ",")}"]`), 3, 0],
  [
    "IPAMs of masters",
    conf(`"ipam":{"type":"multi-config","args":{${keys(100_000, '{"ipam_type":"x"}')}}}`),
    7,
    0,
  ],
  [
    "IPAMs of masters, beside keys",
    conf(`"ipam":{"type":"multi-config","args":{${keys(250, '{"ipam_type":"x"}')}}},${keys(200_000, "0")}`),
    7,
    0,
  ],
  [
    "interfaces of a result",
    json({ ipam: { type: "x" }, prevResult: { interfaces: many(150_000, (i) => ({ name: `net1-${i}` })) } }),
    102,
    0,
  ],
  [
    "a name",
    JSON.stringify({ cniVersion: "1.1.0", name: megabytes(3, "n"), plugin: { type: "macvlan" } }),
    7,
    0,
  ],
  ["a version", JSON.stringify({ cniVersion: megabytes(3, "1."), name: "n1" }), 1, 1],
  ["DNS", json({ dns: { search: [megabytes(3, "x")] } }), 7, 0],
  ["an IPAM's name", json({ ipam: { type: megabytes(3, "x") } }), 7, 0],
  ["an IPAM that is multi-nic", json({ ipam: { type: "multi-nic" }, x: megabytes(3, "x") }), 7, 0],
];

describeWhere([time], "a hostile configuration", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "multi-nic-cni-hostile-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  function call(verb: string, input: string | Uint8Array) {
    const file = join(folder, "time");
    const env = {
      PATH: process.env.PATH,
      CNI_COMMAND: verb,
      CNI_CONTAINERID: "c1",
      CNI_NETNS: "/run/netns/nowhere",
      CNI_IFNAME: "net1",
      CNI_PATH: "/nonexistent",
      MULTI_NIC_CNI_STATE_DIR: "/nonexistent/state",
      MULTI_NIC_CNI_LOG_FILE: "off",
    };
    // The limit of time ends a hang; it measures nothing.
    const limited = ["timeout", "--signal=KILL", "60", join(bin, "multi-nic")];
    const timed = ["--quiet", "--format", "%U %S", "--output", file, ...limited];
    const ended = spawnSync("/usr/bin/time", timed, { env, input, encoding: "utf8" });
    const [user = 0, system = 0] = readFileSync(file, "utf8").split(" ").map(Number);
    expect(user + system, "seconds of processor").toBeLessThan(mostSeconds);
    expect(ended.stdout.length).toBeLessThan(10_000);
    const { code } = ended.stdout === "" ? { code: 0 } : JSON.parse(ended.stdout);
    expect(ended.status, ended.stderr).toBe(code === 0 ? 0 : 1);
    return code;
  }

  test.each(inputs)(
    "%s: each verb has one answer, and an end",
    { timeout: 300_000 },
    (_, input, add, del) => {
      expect({ add: call("ADD", input), del: call("DEL", input) }).toEqual({ add, del });
      // What they say is of the machine too.
      call("STATUS", input);
      call("GC", input);
    },
  );
});
