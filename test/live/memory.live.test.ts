import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Json, JsonObject } from "../../lib/cni/json.ts";
import { conf, pool } from "./conf.ts";
import { describeWhere, linkKind, need } from "./kernel.ts";
import { kernelState } from "./kernel-state.ts";
import { makeNamespace, type Namespace } from "./namespaces.ts";
import { emptyStore, makeNode, type Node, storeOf } from "./node.ts";
import { bin, cniPath, succeed } from "./plugin.ts";

/*
 * How much memory a whole call takes at most, whatever it is given: ru_maxrss, which the kernel gives whoever waits for
 * the process. A limit could not show it: with RLIMIT_DATA Node does not start, and not every machine lets a test have a
 * cgroup with memory.max.
 */
const time = need("time", spawnSync("/usr/bin/time", ["true"]).status === 0, "there is no /usr/bin/time");

/** What a call may take beyond a plain ADD. stdin is at most 4 MiB: the text, its values, and what is made of them. */
const mostMore = 384;

const network = conf({ masters: ["eth1", "eth2"] });
const list = (count: number, value: (index: number) => Json): Json[] =>
  Array.from({ length: count }, (_, i) => value(i));
const ipam = (more: JsonObject) => ({ ...network, ...pool([4], more) });
const text = (value: JsonObject) => JSON.stringify(value);
const prefix = (i: number) => `10.${(i >> 8) & 255}.${i & 255}.0/24`;

/** `says`: a part of the message of its one error; without, it has to succeed. */
const rows: [title: string, verb: string, stdin: () => string, says?: RegExp][] = [
  [
    "a string of 4 MB",
    "ADD",
    () => text({ ...network, masters: ["x".repeat(4_000_000)] }),
    /no link of this/,
  ],
  ["4 MB of backslashes", "ADD", () => text({ ...network, x: "\\".repeat(2_000_000) })],
  ["300,000 keys", "ADD", () => text({ ...network, ...keys(300_000) })],
  ["lists 2,000,000 deep", "ADD", () => "[".repeat(2_000_000) + "]".repeat(2_000_000), /more than 100 deep/],
  ["objects 600,000 deep", "ADD", () => `${'{"a":'.repeat(6e5)}1${"}".repeat(6e5)}`, /more than 100 deep/],
  ["2,000,000 masters", "ADD", () => text({ ...network, masters: list(2_000_000, () => 0) }), /^masters: /],
  ["1,000,000 routes", "ADD", () => text(ipam({ routes: list(1_000_000, () => ({})) })), /^ipam.routes: /],
  ["routes to 60,000 networks", "ADD", () => text(ipam({ routes: routes(60_000) })), /^ipam.routes: /],
  [
    "150,000 excluded networks",
    "ADD",
    () => text(ipam({ excludeCIDRs: nets(150_000) })),
    /^ipam.excludeCIDRs: /,
  ],
  ["150,000 networks of NICs", "ADD", () => text({ ...network, masterNets: nets(150_000) }), /^masterNets: /],
  [
    "all of IPv6",
    "ADD",
    () => text(ipam({ ...all, routes: [{ dst: "::/0" }] })),
    /the kernel refused .* ::1/,
  ],
  ["IPv6 less a half", "ADD", () => text(ipam({ ...all, excludeCIDRs: ["::/2", "8000::/2"] }))],
  ["50,000 attachments to keep", "GC", () => text({ ...network, "cni.dev/valid-attachments": kept(50_000) })],
  ["a result of 100,000 addresses", "DEL", () => text({ ...network, prevResult: result(100_000) })],
];

/** One NIC has ::/1, the other 8000::/1. */
const all = { subnet: "::/0", interfaceBlock: 1, hostBlock: 0 };
const nets = (count: number) => list(count, prefix);
const routes = (count: number) => list(count, (i) => ({ dst: prefix(i) }));
const kept = (count: number) => list(count, (i) => ({ containerID: `c${i}`, ifname: "net1" }));
const result = (count: number) => ({
  cniVersion: "1.1.0",
  ips: list(count, () => ({ address: "10.0.0.1/8" })),
});

function keys(count: number): JsonObject {
  return Object.fromEntries(list(count, (i) => [`k${i}`, 0]) as [string, Json][]);
}

describeWhere([time, linkKind("macvlan"), linkKind("veth")], "the memory of one call", () => {
  let node: Node;
  let pod: Namespace;
  let folder: string;
  let empty: ReturnType<typeof kernelState>;
  let plain: number;
  beforeAll(async () => {
    node = makeNode(2);
    pod = makeNamespace("pod");
    folder = mkdtempSync(join(tmpdir(), "multi-nic-cni-memory-"));
    empty = kernelState(pod);
    const { status, stdout, mib } = peakOf("ADD", text(network));
    expect(status, stdout).toBe(0);
    plain = mib;
    await succeed(node, "DEL", network, { netns: pod.path });
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
    for (const each of [pod, node]) each[Symbol.dispose]();
  });

  /** The answer of a call, and the most that it had in memory, in MiB. */
  function peakOf(verb: string, input: string) {
    const file = join(folder, "peak");
    const timed = ["/usr/bin/time", "--quiet", "--format", "%M", "--output", file, join(bin, "multi-nic")];
    const env = {
      ...node.env,
      PATH: process.env.PATH,
      CNI_COMMAND: verb,
      CNI_CONTAINERID: "c1",
      CNI_NETNS: pod.path,
      CNI_IFNAME: "net1",
      CNI_PATH: cniPath,
    };
    const ended = spawnSync("ip", ["netns", "exec", node.host.name, ...timed], {
      env,
      input,
      encoding: "utf8",
      maxBuffer: 1e9,
    });
    return { status: ended.status, stdout: ended.stdout, mib: Number(readFileSync(file, "utf8")) / 1024 };
  }

  test.each(rows)("%s: %s takes at most 384 MiB more than a plain ADD", async (_title, verb, stdin, says) => {
    const { status, stdout, mib } = peakOf(verb, stdin());
    if (says === undefined) expect(status, stdout).toBe(0);
    else expect(JSON.parse(stdout).msg).toMatch(says);
    expect(stdout.length).toBeLessThan(10_000);
    expect(mib).toBeLessThan(plain + mostMore);
    await succeed(node, "DEL", network, { netns: pod.path });
    expect(kernelState(pod)).toEqual(empty);
    expect(storeOf(node)).toEqual(emptyStore);
  });
});
