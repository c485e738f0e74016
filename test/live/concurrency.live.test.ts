import { afterAll, beforeAll, expect, test } from "vitest";
import type { JsonObject } from "../../lib/cni/json.ts";
import type { Result } from "../../lib/cni/result.ts";
import { conf } from "./conf.ts";
import { describeWhere, isUml, linkKind } from "./kernel.ts";
import { makeNamespace, type Namespace } from "./namespaces.ts";
import { emptyStore, makeNode, type Node, storeOf } from "./node.ts";
import { type Attachment, add, call, succeed, withPrevResult } from "./plugin.ts";

/** Operations of the mixed run; scripts/reliability.sh asks for 2,000. User-Mode Linux is slower by much. */
const operations = Number(process.env.MULTI_NIC_CNI_OPERATIONS ?? (isUml ? 80 : 400));
/** Pods that are added at once. */
const atOnce = Number(process.env.MULTI_NIC_CNI_PODS ?? (isUml ? 10 : 50));
const workers = 16;
/** Emulated processors take their time; what hangs is ended by the runner of the tests. */
const patience = 14_400_000;
const kinds = { macvlan: { type: "macvlan" }, ipvlan: { type: "ipvlan", mode: "l3" } } as const;

let node: Node;
let pods: Namespace[];
beforeAll(() => {
  node = makeNode(4);
  pods = Array.from({ length: atOnce }, (_, i) => makeNamespace(`pod${i}`));
});
afterAll(() => {
  for (const each of [...(pods ?? []), node]) each?.[Symbol.dispose]();
});

const attachmentOf = (pod: number, ifname = "net1", containerId = `c${pod}`): Attachment => ({
  netns: pods[pod]?.path ?? "",
  containerId,
  ifname,
});

/** What the kernel says that a pod has: "net1-0 192.168.0.1", one for each address. */
function addressesOf(pod: Namespace): string[] {
  const links = pod.ipJson<{ ifname: string; addr_info: { family: string; local: string }[] }[]>("addr show");
  return links
    .filter(({ ifname }) => ifname !== "lo")
    .flatMap(({ ifname, addr_info }) =>
      addr_info.filter(({ family }) => family === "inet").map(({ local }) => `${ifname} ${local}`),
    );
}

/** Kernel and store agree, and no address is in two places. */
function expectConsistent(): void {
  const inKernel = pods.flatMap((pod) => addressesOf(pod).map((text) => text.split(" ")[1] ?? ""));
  expect(inKernel).toHaveLength(new Set(inKernel).size);
  expect(inKernel.map(hex).sort()).toEqual(storeOf(node).leases);
}

const hex = (address: string): string =>
  `4 ${address
    .split(".")
    .map((octet) => Number(octet).toString(16).padStart(2, "0"))
    .join("")}`;

/** A generator of numbers below 1, the same for the same seed (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Why a verb may fail while others are at work on the same attachment, "code: message"; anything else is a defect, that
 * it waited too long for others among them.
 */
const reasons: Readonly<Record<string, RegExp>> = {
  ADD: /^(105: .* already |11: DEL of .* came while ADD was at work)/,
  CHECK: /^106: .* is (not recorded|half made|being deleted|not as ADD made it)/,
  DEL: /^none$/,
  GC: /^none$/,
};

/** Adds all pods at once, then deletes them at once. */
async function addAndDelete(network: JsonObject): Promise<void> {
  const results = await Promise.all(pods.map((_, pod) => add(node, network, attachmentOf(pod))));
  const given = results.flatMap(({ ips }) => ips.map(({ address }) => address));
  expect(new Set(given).size).toBe(atOnce * 4);
  for (const [i, pod] of pods.entries()) {
    const ips = results[i]?.ips.map(({ address, interface: at }) => `net1-${at} ${address.split("/")[0]}`);
    expect(addressesOf(pod)).toEqual(ips);
  }
  expectConsistent();
  await Promise.all(pods.map((_, pod) => succeed(node, "DEL", network, attachmentOf(pod))));
  expect(pods.flatMap(addressesOf)).toEqual([]);
  expect(storeOf(node)).toEqual(emptyStore);
  say(`${atOnce} pods added and deleted`);
}

/** How far a run of an hour is. */
function say(text: string): void {
  if (operations > 400) process.stderr.write(`${text}\n`);
}

/** Many verbs at once on few attachments. */
async function mix(network: JsonObject): Promise<void> {
  /** Few enough that several workers are often at the same attachment. */
  const busy = 4;
  const ifnames = ["net1", "net2"];
  const known = (): JsonObject[] =>
    Array.from({ length: busy }, (_, pod) =>
      ifnames.map((ifname) => ({ containerID: `c${pod}`, ifname })),
    ).flat();
  const results = new Map<string, Result>();
  let failures = 0;

  async function operate(verb: string, at: Attachment): Promise<void> {
    const key = `${at.containerId} ${at.ifname}`;
    const previous = results.get(key) ?? { interfaces: [], ips: [], routes: [], dns: {} };
    const configuration: Readonly<Record<string, JsonObject>> = {
      CHECK: withPrevResult(network, previous),
      GC: { ...network, "cni.dev/valid-attachments": known() },
    };
    const answer = await call(node, verb as "ADD", configuration[verb] ?? network, at);
    if (answer.exitCode === 0 && verb === "ADD") results.set(key, answer.document as unknown as Result);
    if (answer.exitCode === 0) return;
    failures++;
    const { code, msg } = answer.document ?? {};
    expect(`${code}: ${msg}`, verb).toMatch(reasons[verb] as RegExp);
  }

  const next = random(operations);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(next() * values.length)] as T;
  const verbs = ["ADD", "ADD", "ADD", "DEL", "DEL", "CHECK", "GC"];
  const rounds = Math.ceil(operations / (workers * 5));
  for (let round = 0; round < rounds; round++) {
    const plans = Array.from({ length: workers }, () =>
      Array.from({ length: 5 }, () => {
        // One in ten containers is none that the runtime lists: GC has to take its attachment away.
        const pod = Math.floor(next() * busy);
        const containerId = next() < 0.1 ? `stale${pod}` : `c${pod}`;
        return { verb: pick(verbs), at: attachmentOf(pod, pick(ifnames), containerId) };
      }),
    );
    await Promise.all(
      plans.map(async (plan) => {
        for (const { verb, at } of plan) await operate(verb, at);
      }),
    );
    expectConsistent();
    say(`${(round + 1) * workers * 5} operations, ${failures} of them failed, with a reason`);
  }
  await succeed(node, "GC", { ...network, "cni.dev/valid-attachments": [] });
  expect(pods.flatMap(addressesOf)).toEqual([]);
  expect(storeOf(node)).toEqual(emptyStore);
}

for (const [kind, plugin] of Object.entries(kinds)) {
  const network = conf({ masters: ["eth1", "eth2", "eth3", "eth4"], plugin });
  describeWhere(linkKind(kind as keyof typeof kinds), kind, () => {
    test(
      `${atOnce} pods of 4 NICs: all are added at once, each address in one place; deleted at once, nothing is left`,
      () => addAndDelete(network),
      patience,
    );
    test(
      `${operations} operations by ${workers} workers: every failure has its reason, and kernel and store agree at every pause`,
      () => mix(network),
      patience,
    );
  });
}
