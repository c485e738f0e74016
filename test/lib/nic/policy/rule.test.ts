import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseCidr } from "../../../../lib/net/address.ts";
import type { HostNic } from "../../../../lib/nic/host-nic.ts";
import { offeredNics } from "../../../../lib/nic/offer.ts";
import type { Gpu } from "../../../../lib/nic/policy/distance.ts";
import { type Policy, strategies } from "../../../../lib/nic/policy/policy.ts";
import { rule } from "../../../../lib/nic/policy/rule.ts";
import { device, hostNic, offer } from "./nics.ts";

type Given = Omit<Partial<Policy>, "load"> & { readonly load?: Readonly<Record<string, number>> };

function ruled(nics: readonly HostNic[], { load = {}, ...given }: Given) {
  const policy: Policy = { strategy: "none", ...given, load: new Map(Object.entries(load)) };
  const { rulings, refusal } = rule(offer(...nics), policy);
  const of = (wanted: string) =>
    rulings.filter(({ verdict }) => verdict === wanted).map(({ nic }) => nic.nic.name);
  const reasons = Object.fromEntries(rulings.map(({ nic, reason }) => [nic.nic.name, reason]));
  return { chosen: of("chosen"), spare: of("spare"), out: of("left out"), reasons, refusal };
}

const eth = (number: number, more: Partial<HostNic> = {}) => hostNic(`eth${number}`, more);
const fast = { name: "fast", ids: [{ vendor: "15b3", products: ["101d"] }] };
const slow = { devices: [device({ vendor: "8086", product: "1572" })] };

const leftOut: readonly [title: string, more: Partial<HostNic>, given: Given, reason: RegExp][] = [
  ["is down", { up: false, carrier: false }, {}, /^is down$/],
  ["has no carrier", { carrier: false }, {}, /^has no carrier$/],
  ["is a port of a bond", { upper: "bond0" }, {}, /^is a port of bond0$/],
  [
    "is a representor",
    { representor: true, switchPort: { switchId: "00", name: "pf0vf1" } },
    {},
    /^stands for pf0vf1 of an embedded switch$/,
  ],
  [
    "has no address that the link needs",
    { addresses: [] },
    { addressFor: "plugin.mode l3" },
    /^has no address, which plugin\.mode l3 needs$/,
  ],
  [
    "is of another class",
    slow,
    { strategy: "devClass", deviceClass: fast },
    /^is 8086:1572, not of class fast \(15b3:101d\)$/,
  ],
  [
    "is a bond with a port of another class",
    { devices: [device(), ...slow.devices] },
    { strategy: "devClass", deviceClass: fast },
    /^is 15b3:101d 8086:1572, not of class fast/,
  ],
  ["has no device to be of a class", { devices: [] }, { deviceClass: fast }, /^is no device, not of class/],
];

describe("a NIC is left out that", () => {
  test.each(leftOut)("%s", (_title, more, given, reason) => {
    const { chosen, out, reasons } = ruled([eth(1, more), eth(2)], given);
    expect({ chosen, out }).toEqual({ chosen: ["eth2"], out: ["eth1"] });
    expect(reasons.eth1).toMatch(reason);
  });

  test.each(["costOpt", "perfOpt"] as const)("does not say its speed, under %s", (strategy) => {
    const { speed, ...mute } = eth(1);
    expect(speed).toBeDefined();
    const { chosen, reasons } = ruled([mute, eth(2)], { strategy, target: 1000 });
    expect([chosen, reasons.eth1]).toEqual([["eth2"], "does not say its speed"]);
  });
});

const chosen: readonly [title: string, nics: readonly HostNic[], given: Given, names: readonly string[]][] = [
  ["none: all", [eth(1), eth(2)], {}, ["eth1", "eth2"]],
  ["none: equal NICs by their load", [eth(1), eth(2)], { nics: 1, load: { eth1: 1 } }, ["eth2"]],
  ["none: equal in load too, in the network's order", [eth(2), eth(1)], { nics: 1 }, ["eth2"]],
  [
    "devClass: filters before it cuts",
    [eth(1, slow), eth(2), eth(3)],
    { strategy: "devClass", deviceClass: fast, nics: 2 },
    ["eth2", "eth3"],
  ],
  [
    "devClass: any product of a vendor",
    [eth(1, slow), eth(2)],
    { strategy: "devClass", deviceClass: { name: "intel", ids: [{ vendor: "8086", products: [] }] } },
    ["eth1"],
  ],
  [
    "costOpt: the fewest, so the fastest first",
    [eth(1, { speed: 10_000 }), eth(2), eth(3)],
    { strategy: "costOpt", target: 150_000 },
    ["eth2", "eth3"],
  ],
  [
    "costOpt: of the equally fast the least loaded",
    [eth(1), eth(2), eth(3)],
    { strategy: "costOpt", target: 200_000, load: { eth1: 2, eth2: 1 } },
    ["eth3", "eth2"],
  ],
  [
    "perfOpt: the least shared first, until the shares reach the target",
    [eth(1), eth(2), eth(3)],
    { strategy: "perfOpt", target: 150_000, load: { eth1: 1 } },
    ["eth2", "eth3"],
  ],
  [
    "perfOpt: of the equally shared the fastest",
    [eth(1, { speed: 10_000 }), eth(2)],
    { strategy: "perfOpt", target: 100_000 },
    ["eth2"],
  ],
  [
    "perfOpt: all, where shared ones reach the target no more",
    [eth(1), eth(2)],
    { strategy: "perfOpt", target: 150_000, load: { eth1: 1, eth2: 1 } },
    ["eth1", "eth2"],
  ],
  [
    "perfOpt: within as many as are asked for, those that can give most",
    [eth(1, { speed: 10_000 }), eth(2)],
    { strategy: "perfOpt", target: 100_000, nics: 1, load: { eth2: 1 } },
    ["eth2"],
  ],
];

const place = (...path: readonly string[]) => ({ devices: [device({ path: ["pci0000:00", ...path] })] });
const gpu = (id: string, ...path: readonly string[]): Gpu => ({ id, path: ["pci0000:00", ...path] });
/** Two switches, a and b, behind a root port each, with a GPU and two NICs each. */
const onSwitches = [
  eth(1, place("a", "a0", "a1", "eth1")),
  eth(2, place("a", "a0", "a2", "eth2")),
  eth(3, place("b", "b0", "b1", "eth3")),
  eth(4, place("b", "b0", "b2", "eth4")),
];
const gpuA = gpu("GPU-a", "a", "a0", "a3", "gpu");
const gpuB = gpu("GPU-b", "b", "b0", "b3", "gpu");
const near = (...gpus: readonly Gpu[]): Given => ({
  strategy: "topology",
  topology: { gpus, located: new Map() },
});

const byTopology: typeof chosen = [
  ["topology: behind the GPU's switch first", onSwitches, { ...near(gpuB), nics: 2 }, ["eth3", "eth4"]],
  [
    "topology: equally near ones by their load",
    onSwitches,
    { ...near(gpuB), nics: 1, load: { eth3: 1 } },
    ["eth4"],
  ],
  [
    "topology: a near NIC before one of less load",
    onSwitches,
    { ...near(gpuB), nics: 1, load: { eth3: 9, eth4: 9 } },
    ["eth3"],
  ],
  ["topology: two GPUs get a NIC each", onSwitches, { ...near(gpuA, gpuB), nics: 2 }, ["eth1", "eth3"]],
  [
    "topology: of three GPUs most are on b",
    onSwitches,
    { ...near(gpuA, gpuB, { ...gpuB, id: "GPU-c" }), nics: 2 },
    ["eth3", "eth4"],
  ],
  [
    "topology: by NUMA node where that is all that is known of a GPU",
    [eth(1, { devices: [device({ numaNode: 0 })] }), eth(2, { devices: [device({ numaNode: 1 })] })],
    { ...near({ id: "GPU-a", path: [], numaNode: 1 }), nics: 1 },
    ["eth2"],
  ],
  [
    "topology: a bond is as near as its nearest port",
    [
      eth(1, place("b")),
      eth(2, { devices: [...place("b").devices, ...place("a", "a0", "a1", "x").devices] }),
    ],
    { ...near(gpuA), nics: 1 },
    ["eth2"],
  ],
  [
    "topology: a pod without a GPU gets the least loaded",
    onSwitches,
    { ...near(), nics: 1, load: { eth1: 1 } },
    ["eth2"],
  ],
  [
    "topology: NVIDIA's file comes before sysfs",
    [eth(1, place("flat1")), eth(2, { devices: [device({ address: "0000:0b:00.0" })] })],
    {
      strategy: "topology",
      topology: {
        gpus: [gpuA],
        located: new Map([["0000:0b:00.0", { path: ["pci0000:00", "a", "a0", "a1", "n"] }]]),
      },
      nics: 1,
    },
    ["eth2"],
  ],
];

describe("a policy chooses by", () => {
  test.each([...chosen, ...byTopology])("%s", (_title, nics, given, names) => {
    expect(ruled(nics, given)).toMatchObject({ chosen: names, refusal: undefined });
  });
});

const refused: readonly [title: string, nics: readonly HostNic[], given: Given, refusal: RegExp][] = [
  [
    "more NICs than there are",
    [eth(1), eth(2, { up: false })],
    { nics: 2 },
    /^args\.cni\.nics: 2 are asked for and 1 can be had; ask for at most 1: eth1 \(not enough; 0 attachments\), eth2 is down$/,
  ],
  [
    "a class that no NIC has",
    [eth(1, slow)],
    { strategy: "devClass", deviceClass: fast },
    /^class: no NIC of this network on this host is of class "fast" \(15b3:101d\).*: eth1 is 8086:1572/,
  ],
  [
    "no NIC that works",
    [eth(1, { up: false })],
    {},
    /^attachPolicy: no NIC of this network can serve.*: eth1 is down$/,
  ],
  [
    "a target beyond all NICs",
    [eth(1), eth(2)],
    { strategy: "costOpt", target: 300_000 },
    /^target: 300 Gbit\/s are asked for and all 2 NICs that can serve have 200 Gbit\/s; ask for less: eth1/,
  ],
  [
    "a target beyond as many as are asked for",
    [eth(1), eth(2)],
    { strategy: "perfOpt", target: 150_000, nics: 1 },
    /^target: 150 Gbit\/s .* the fastest 1 NICs that can serve have 100 Gbit\/s; ask for less, or for more nics/,
  ],
];

describe("a policy refuses", () => {
  test.each(refused)("%s", (_title, nics, given, refusal) => {
    const said = ruled(nics, given);
    expect(said.chosen).toEqual([]);
    expect(said.refusal).toMatch(refusal);
  });
});

const anyNic = fc.record({
  up: fc.boolean(),
  carrier: fc.boolean(),
  representor: fc.constant(false),
  speed: fc.constantFrom(undefined, 10_000, 25_000, 100_000),
  vendor: fc.constantFrom("15b3", "8086"),
  numaNode: fc.constantFrom(undefined, 0, 1),
  path: fc.constantFrom<string[][]>([], ["pci0"], ["pci0", "a", "b", "c"], ["pci0", "d"], ["pci1", "e", "f"]),
  load: fc.nat(4),
});
const anyHost = fc.array(anyNic, { maxLength: 12 }).map((all) => {
  const load = new Map(all.map((each, at) => [`eth${at}`, each.load]));
  const nics = all.map(({ up, carrier, speed, vendor, numaNode, path }, at) => {
    const devices = [device({ vendor, path, ...(numaNode === undefined ? {} : { numaNode }) })];
    const { speed: _speed, ...nic } = hostNic(`eth${at}`, { up, carrier, devices });
    return speed === undefined ? nic : { ...nic, speed };
  });
  return { nics, load };
});
const anyPolicy = fc
  .record({
    strategy: fc.constantFrom(...strategies),
    nics: fc.option(fc.integer({ min: 1, max: 14 }), { nil: undefined }),
    target: fc.constantFrom(1000, 50_000, 200_000, 1e9),
    classed: fc.boolean(),
    gpus: fc.array(fc.constantFrom(gpuA, gpuB, { id: "x", path: [], numaNode: 1 }), { maxLength: 3 }),
  })
  .map(({ nics, classed, gpus, ...rest }) => ({
    ...rest,
    ...(nics === undefined ? {} : { nics }),
    ...(classed ? { deviceClass: { name: "c", ids: [{ vendor: "15b3", products: [] }] } } : {}),
    topology: { gpus, located: new Map() },
  }));

describe("whatever the host and the policy", () => {
  const check = (property: (nics: readonly HostNic[], policy: Policy) => void) =>
    fc.assert(
      fc.property(anyHost, anyPolicy, ({ nics, load }, policy) => property(nics, { ...policy, load })),
      { numRuns: 500 },
    );
  const chosenOf = (nics: readonly HostNic[], policy: Policy) =>
    rule(offer(...nics), policy).rulings.filter(({ verdict }) => verdict === "chosen");

  test("never more NICs than asked for, and none without a wish being met or refused", () => {
    check((nics, policy) => {
      const { rulings, refusal } = rule(offer(...nics), policy);
      const taken = rulings.filter(({ verdict }) => verdict === "chosen");
      expect(taken.length).toBeLessThanOrEqual(policy.nics ?? nics.length);
      expect(taken.length === 0).toBe(refusal !== undefined);
      expect(rulings).toHaveLength(nics.length);
      for (const { reason } of rulings) expect(reason).not.toBe("");
    });
  });

  test("never a NIC that the filter excludes, and a spare one never goes before a chosen one", () => {
    check((nics, policy) => {
      for (const { nic } of chosenOf(nics, policy)) {
        expect(nic.nic.up && nic.nic.carrier).toBe(true);
        if (policy.deviceClass) expect(nic.nic.devices[0]?.vendor).toBe("15b3");
        if (policy.strategy === "costOpt" || policy.strategy === "perfOpt")
          expect(nic.nic.speed).toBeGreaterThan(0);
      }
      const order = rule(offer(...nics), policy).rulings.map(({ verdict }) => verdict);
      const rank = { chosen: 0, spare: 1, "left out": 2 };
      expect(order).toEqual([...order].sort((a, b) => rank[a] - rank[b]));
    });
  });

  test("the same of whatever order the host lists its NICs in", () => {
    const whole = { masters: [], masterNets: [], nodeMasters: undefined };
    const net = { ...whole, masterNets: [parseCidr("10.0.0.0/8")] };
    fc.assert(
      fc.property(
        anyHost,
        anyPolicy,
        fc.boolean(),
        fc.infiniteStream(fc.nat(1000)),
        (host, given, byNet, keys) => {
          const policy = { ...given, load: host.load };
          const keyed = host.nics.map((nic) => ({ nic, key: keys.next().value ?? 0 }));
          const shuffled = keyed.sort((a, b) => a.key - b.key).map(({ nic }) => nic);
          const of = (nics: readonly HostNic[]) => rule(offeredNics(nics, byNet ? net : whole), policy);
          expect(of(shuffled)).toEqual(of(host.nics));
        },
      ),
      { numRuns: 500 },
    );
  });

  test("costOpt takes no NIC too many: without its last one the target is missed", () => {
    check((nics, policy) => {
      if (policy.strategy !== "costOpt") return;
      const speeds = chosenOf(nics, policy).map(({ nic }) => nic.nic.speed ?? 0);
      if (speeds.length === 0) return;
      const sum = (list: readonly number[]) => list.reduce((all, one) => all + one, 0);
      expect(sum(speeds)).toBeGreaterThanOrEqual(policy.target ?? 0);
      expect(sum(speeds.slice(0, -1))).toBeLessThan(policy.target ?? 0);
    });
  });
});
