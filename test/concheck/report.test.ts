import { describe, expect, test } from "vitest";
import type { Bandwidth } from "../../concheck/iperf.ts";
import { bandwidthIn } from "../../concheck/iperf.ts";
import { type Probe, planProbes } from "../../concheck/plan.ts";
import type { Pod } from "../../concheck/pod.ts";
import type { Reached } from "../../concheck/reach.ts";
import { bandwidthText, isWhole, rowsOf, tableOf } from "../../concheck/report.ts";
import { parseCidr } from "../../lib/net/address.ts";

const pod = (name: string, host: number, nics = 2): Pod => ({
  name,
  netns: `/run/netns/${name}`,
  addresses: Array.from({ length: nics }, (_, nic) => ({
    nic,
    ifname: `net1-${nic}`,
    master: `eth${nic + 1}`,
    cidr: parseCidr(`192.168.${nic * 64}.${host}/18`),
  })),
});

const answered: Reached = { tcp: { ms: 0.4 }, udp: { ms: 0.2 } };

/** A network of which the probes answer as the function says. */
function check(pods: readonly Pod[], reached: (probe: Probe) => Reached | undefined, bandwidth?: Bandwidth) {
  const probes = planProbes(pods);
  const results = new Map(
    probes.flatMap((probe) => {
      const result = reached(probe);
      return result === undefined ? [] : [[probe, result] as const];
    }),
  );
  const bandwidths = new Map(bandwidth === undefined ? [] : probes.map((probe) => [probe, bandwidth]));
  const checked = { network: { name: "sample", pods }, probes, results, bandwidths };
  const rows = rowsOf(checked);
  return { rows, table: tableOf(checked, rows) };
}

test("the table has a row for each ordered pair, with the addresses and bandwidths", () => {
  const { rows, table } = check([pod("worker-2-47lzt", 2), pod("b", 3)], () => answered, {
    bitsPerSecond: 8.8e9,
  });
  expect(isWhole(rows)).toBe(true);
  expect(table).toBe(`###########################################
## Connection Check: sample
###########################################
FROM           TO             CONNECTED/TOTAL IPs                            BANDWIDTHs
worker-2-47lzt b              2/2                 [192.168.0.3 192.168.64.3] [ 8.80Gbits/sec 8.80Gbits/sec]
b              worker-2-47lzt 2/2                 [192.168.0.2 192.168.64.2] [ 8.80Gbits/sec 8.80Gbits/sec]
###########################################
`);
});

test("what has no result is not connected, nor is what answers by one protocol alone", () => {
  const { rows, table } = check([pod("a", 1), pod("b", 2)], ({ from, at }) =>
    from.name === "a"
      ? at.nic === 0
        ? answered
        : { ...answered, udp: { failure: "no answer in 2 s" } }
      : undefined,
  );
  expect(rows.map(({ connected, total }) => `${connected}/${total}`)).toEqual(["1/2", "0/2"]);
  expect(isWhole(rows)).toBe(false);
  expect(table.split("\n").filter((line) => line.startsWith("not connected"))).toEqual([
    "not connected: a -> b 192.168.64.2 (net1-1 on eth2): TCP answered, UDP no answer in 2 s (UDP has to go from this NIC to that one; TCP may have gone by others)",
    "not connected: b -> a 192.168.0.1 (net1-0 on eth1): not asked: the time was up",
    "not connected: b -> a 192.168.64.1 (net1-1 on eth2): not asked: the time was up",
  ]);
});

test("a pod without addresses is not connected, though nothing failed", () => {
  const { rows, table } = check([pod("a", 1), pod("bare", 2, 0)], () => answered);
  expect(isWhole(rows)).toBe(false);
  expect(table).toContain("not connected: a -> bare: bare has no addresses");
});

test("of many reasons, some are told, and how many more there are; names have no line breaks", () => {
  const { table } = check(
    [pod("a\n\x1b[31m", 1), ...[2, 3, 4].map((host) => pod(`p${host}`, host))],
    () => undefined,
  );
  expect(table).toContain("and 4 more (--json has all)");
  expect(table).not.toContain("\x1b");
  expect(table.split("\n").filter((line) => line.startsWith("a ["))).toHaveLength(3);
});

describe("bandwidths", () => {
  test.each([
    [8.8e9, "8.80Gbits/sec"],
    [13.14e9, "13.1Gbits/sec"],
    [812.4e6, "812Mbits/sec"],
    [9.996e6, "10.0Mbits/sec"],
    [0, "0.00bits/sec"],
    [1.5e15, "1500Tbits/sec"],
  ])("%d bit/s is %s", (bitsPerSecond, text) => {
    expect(bandwidthText(bitsPerSecond)).toBe(text);
  });

  test.each([
    ['{"end":{"sum_received":{"bits_per_second":5e9}}}', { bitsPerSecond: 5e9 }],
    ['{"end":{},"error":"the server is busy"}', { failure: "iperf3: the server is busy" }],
    ["{}", { failure: "iperf3: it measured nothing" }],
    ["", { failure: "iperf3: no end in 6 s" }],
    ["null", { failure: "iperf3: no end in 6 s" }],
  ])("iperf3's answer %s", (output, expected) => {
    expect(bandwidthIn(output, "no end in 6 s")).toEqual(expected);
  });
});
