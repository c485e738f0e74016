import { aligned, printable } from "../lib/cli/table.ts";
import { formatCidr } from "../lib/net/address.ts";
import type { Bandwidths } from "./bandwidth.ts";
import type { Outcome } from "./endpoint.ts";
import type { Bandwidth } from "./iperf.ts";
import type { Probe } from "./plan.ts";
import type { Network, Pod } from "./pod.ts";
import { isConnected, type Reached, type Results } from "./reach.ts";

/** All that was found out of a network. */
export interface Checked {
  readonly network: Network;
  readonly probes: readonly Probe[];
  readonly results: Results;
  readonly bandwidths: Bandwidths;
  /** The pod that asked, where it was one alone */
  readonly from?: Pod;
}

/** An address of the pod that was asked, with what came of it. */
export interface Answer {
  readonly address: string;
  readonly nic: number;
  readonly ifname?: string;
  readonly master?: string;
  readonly source: string | undefined;
  readonly connected: boolean;
  readonly tcp: Outcome;
  readonly udp: Outcome;
  readonly bandwidth: Bandwidth | undefined;
}

/** An ordered pair of pods. */
export interface Row {
  readonly from: string;
  readonly to: string;
  readonly connected: number;
  readonly total: number;
  readonly addresses: readonly Answer[];
}

/** A row for every ordered pair of the network's pods. A probe without a result is one that is not connected. */
export function rowsOf({ network: { pods }, probes, results, bandwidths, from: only }: Checked): Row[] {
  const byPair = Map.groupBy(probes, ({ from, to }) => pairOf(from, to));
  const asking = only === undefined ? pods : [only];
  return asking.flatMap((from) =>
    pods
      .filter((to) => to !== from)
      .map((to) => {
        const addresses = (byPair.get(pairOf(from, to)) ?? []).map((probe) =>
          answerOf(probe, results.get(probe), bandwidths.get(probe)),
        );
        const connected = addresses.filter((each) => each.connected).length;
        return { from: from.name, to: to.name, connected, total: addresses.length, addresses };
      }),
  );
}

const pairOf = (from: Pod, to: Pod): string => `${from.name}\0${to.name}`;

const notMade: Outcome = { failure: "not asked: the time was up" };

function answerOf(probe: Probe, reached: Reached | undefined, bandwidth: Bandwidth | undefined): Answer {
  const { nic, ifname, master } = probe.at;
  return {
    address: probe.target,
    nic,
    ...(ifname === undefined ? {} : { ifname }),
    ...(master === undefined ? {} : { master }),
    source: probe.source,
    connected: isConnected(reached),
    tcp: reached?.tcp ?? notMade,
    udp: reached?.udp ?? notMade,
    bandwidth,
  };
}

/** Whether every pod has an address, and every address answered every other pod. */
export const isWhole = (rows: readonly Row[]): boolean =>
  rows.every(({ connected, total }) => total > 0 && connected === total);

/** What --json prints of a network. */
export function jsonOf({ network: { name, pods } }: Checked, rows: readonly Row[]) {
  return {
    network: name,
    pods: pods.map(({ name: pod, netns, addresses, missing }) => ({
      name: pod,
      netns,
      addresses: addresses.map(({ cidr }) => formatCidr(cidr)),
      ...(missing === undefined ? {} : { missing }),
    })),
    rows,
  };
}

const ruler = "#".repeat(43);
/** Lines about what is not connected; --json has them all. */
const mostReasons = 20;

/** The table of a network, and below it why something is not connected. */
export function tableOf({ network }: Checked, rows: readonly Row[]): string {
  const cells = [["FROM", "TO", "CONNECTED/TOTAL IPs", "", "BANDWIDTHs"], ...rows.map(cellsOf)];
  const head = [ruler, `## Connection Check: ${printable(network.name)}`, ruler];
  return [...head, ...aligned(cells, " "), ruler, ...reasonsOf(rows)].map((line) => `${line}\n`).join("");
}

function cellsOf({ from, to, connected, total, addresses }: Row): string[] {
  const bandwidths = addresses.map(({ bandwidth }) =>
    bandwidth !== undefined && "bitsPerSecond" in bandwidth ? bandwidthText(bandwidth.bitsPerSecond) : "-",
  );
  return [
    printable(from),
    printable(to),
    `${connected}/${total}`,
    `[${addresses.map(({ address }) => address).join(" ")}]`,
    bandwidths.every((text) => text === "-") ? "[]" : `[ ${bandwidths.join(" ")}]`,
  ];
}

function reasonsOf(rows: readonly Row[]): string[] {
  const reasons = rows.flatMap(({ from, to, total, addresses }) => {
    const pair = printable(`${from} -> ${to}`);
    if (total === 0) return [`not connected: ${pair}: ${printable(to)} has no addresses`];
    return addresses
      .filter((each) => !each.connected)
      .map((each) => `not connected: ${pair} ${placeOf(each)}: ${printable(whyNot(each))}`);
  });
  const more = reasons.length - mostReasons;
  return more > 0 ? [...reasons.slice(0, mostReasons), `and ${more} more (--json has all)`] : reasons;
}

const placeOf = ({ address, ifname, master }: Answer): string =>
  [
    address,
    ...(ifname === undefined ? [] : [`(${ifname}${master === undefined ? "" : ` on ${master}`})`]),
  ].join(" ");

function whyNot({ tcp, udp }: Answer): string {
  const [byTcp, byUdp] = [tcp, udp].map((outcome) => ("ms" in outcome ? "answered" : outcome.failure));
  if (byTcp === byUdp) return `${byTcp}`;
  const hint = "ms" in tcp ? " (UDP has to go from this NIC to that one; TCP may have gone by others)" : "";
  return `TCP ${byTcp}, UDP ${byUdp}${hint}`;
}

/** As iperf prints it: three digits, and units of 1000. */
export function bandwidthText(bitsPerSecond: number): string {
  const units = ["bits/sec", "Kbits/sec", "Mbits/sec", "Gbits/sec", "Tbits/sec"];
  let value = bitsPerSecond;
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  const digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return `${value.toFixed(digits)}${units[unit]}`;
}
