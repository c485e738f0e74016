import { aligned, printable } from "../../lib/cli/table.ts";
import { formatCidr, networkOf } from "../../lib/net/address.ts";
import type { PodDevices } from "../../lib/nic/facts/pod-devices.ts";
import type { HostNic } from "../../lib/nic/host-nic.ts";
import { formatBandwidth } from "../../lib/nic/policy/bandwidth.ts";
import { identityOf } from "../../lib/nic/policy/device-class.ts";
import type { Ruling } from "../../lib/nic/policy/policy.ts";
import type { Explained } from "./explain.ts";

/** A NIC as JSON: addresses as text, and what is not known left out. */
export function nicJson(nic: HostNic): object {
  const addresses = nic.addresses.map(formatCidr);
  const networks = [...new Set(nic.addresses.map((cidr) => formatCidr(networkOf(cidr))))];
  return { ...nic, addresses, networks };
}

export function nicTable(nics: readonly HostNic[]): string {
  const head = [
    "NAME",
    "SORT",
    "STATE",
    "SPEED",
    "MTU",
    "PCI",
    "ID",
    "DRIVER",
    "NUMA",
    "RDMA",
    "ROLE",
    "ADDRESSES",
  ];
  return table([head, ...nics.map(cells)]);
}

function cells(nic: HostNic): string[] {
  const { devices, speed, addresses } = nic;
  const each = (values: readonly (string | number | undefined)[]) =>
    [...new Set(values.filter((value) => value !== undefined && value !== ""))].join(",");
  return [
    nic.name,
    nic.sort,
    stateOf(nic),
    speed === undefined ? "" : formatBandwidth(speed).replace(" ", ""),
    String(nic.mtu),
    each(devices.map(({ address }) => address)),
    devices.length === 0 ? "" : identityOf(nic),
    each(devices.map(({ driver }) => driver)),
    each(devices.map(({ numaNode }) => numaNode)),
    each(devices.flatMap(({ rdma }) => rdma)),
    roleOf(nic),
    addresses.map(formatCidr).join(","),
  ];
}

const stateOf = ({ up, carrier }: HostNic): string => (up ? (carrier ? "up" : "no-carrier") : "down");

/** What a NIC is to others: "vf-of:0000:3b:00.0", "pf:3/8", "port-of:bond0", "represents:pf0vf1", "default-route" */
function roleOf({ devices, upper, lower, representor, switchPort, defaultRoute }: HostNic): string {
  const functions = devices.flatMap(({ physicalFunction, virtualFunctions: vfs }) => [
    ...(physicalFunction === undefined ? [] : [`vf-of:${physicalFunction}`]),
    ...(vfs === undefined || representor ? [] : [`pf:${vfs.addresses.length}/${vfs.total}`]),
  ]);
  return [
    ...(representor
      ? [`represents:${switchPort?.name}`]
      : lower.length > 0
        ? [`over:${lower.join("+")}`]
        : functions),
    ...(upper === undefined ? [] : [`port-of:${upper}`]),
    ...(defaultRoute ? ["default-route"] : []),
  ].join(",");
}

export function rulingJson({ network, strategy, rulings, refusal, podDevices }: Explained): string {
  const nics = rulings.map(({ nic, verdict, reason }) => ({
    name: nic.nic.name,
    interfaceIndex: nic.interfaceIndex,
    verdict,
    reason,
  }));
  const document = {
    network,
    strategy,
    ...(refusal === undefined ? {} : { refusal }),
    ...(podDevices === undefined ? {} : { podDevices }),
    nics,
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

export function rulingTable({ network, strategy, rulings, refusal, podDevices }: Explained): string {
  const row = ({ nic, verdict, reason }: Ruling) => [nic.nic.name, verdict, reason];
  const rows = table([["NAME", "VERDICT", "REASON"], ...rulings.map(row)]);
  const head = `network ${network}, policy ${strategy}${podDevices === undefined ? "" : `, ${tellerOf(podDevices)}`}`;
  return `${printable(head)}\n${rows}${refusal === undefined ? "" : `refused: ${refusal}\n`}`;
}

/** Who told of the pod's devices, and why it was not kubelet itself. */
const tellerOf = ({ source, reason }: PodDevices): string =>
  `the pod's GPUs by ${source}${reason === undefined ? "" : ` (${reason})`}`;

function table(rows: readonly (readonly string[])[]): string {
  const lines = aligned(rows.map((row) => row.map((cell) => printable(cell || "-"))));
  return lines.map((line) => `${line}\n`).join("");
}
