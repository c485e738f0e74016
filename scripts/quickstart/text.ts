import type { AttachedHost, Report } from "./report.ts";
import { verdict } from "./report.ts";
import { withPrefix } from "./topology.ts";

/** The report for people to read: what was made, in a picture; what came of it, in a table; and the verdict. */
export function renderText(report: Report): string {
  const title = "Two hosts, two NICs each: every NIC of its host in each pod, by one call";
  return [
    title,
    "=".repeat(title.length),
    "",
    ...picture(report),
    "",
    ...explanation(report),
    "",
    ...table(report),
    "",
    ...report.hosts.map(
      ({ name, addMs, delMs }) => `${name}: ADD took ${Math.round(addMs)} ms, DEL ${Math.round(delMs)} ms`,
    ),
    "",
    verdict(report).text,
    "",
  ].join("\n");
}

const wire = "---";

/** The two hosts side by side, a wire from NIC to NIC through the switch. */
function picture({ hosts, link }: Report): string[] {
  const columns = hosts.map((host) => box(host, link));
  const [left = [], right = []] = columns;
  const wires = wiresOf(hosts[0]);
  const gap = " ".repeat(wires.find((text) => text !== "")?.length ?? 0);
  return left.map((line, row) => `  ${line}${wires[row] || gap}${right[row] ?? ""}`.trimEnd());
}

function box(host: AttachedHost, link: string): string[] {
  const inside = [
    host.pod,
    ...host.interfaces.flatMap(({ name, address }, place) => {
      const nic = host.nics[place];
      const master = nic === undefined ? "" : `  ${nic.name.padEnd(8)}${withPrefix(nic)}`;
      return [`  ${name.padEnd(8)}${address}`, `    |  ${link}`, master];
    }),
  ];
  const width = 26;
  const edge = `+${"-".repeat(width + 2)}+`;
  return [host.name.padEnd(width + 4), edge, ...inside.map((line) => `| ${line.padEnd(width)} |`), edge];
}

/** A text for each row of the picture: a wire where the row shows a NIC, else "". */
function wiresOf(host: AttachedHost | undefined): string[] {
  const ofNics = (host?.interfaces ?? []).flatMap((_, place) => {
    const name = host?.nics[place]?.switch ?? "";
    return ["", "", `${wire} ${name} ${wire}`];
  });
  return ["", "", "", ...ofNics, ""];
}

function explanation({ hosts, routes, template, ipvlanRefusal, kernel }: Report): string[] {
  const indexes = hosts.map(({ name, hostIndex }) => `${hostIndex} is ${name}`).join(", ");
  const standsIn = [
    `no ipvlan links here (${ipvlanRefusal}), so macvlan stands in;`,
    "for ipvlan, in a kernel that has it: sudo ./scripts/quickstart.sh --real-ipvlan",
  ];
  const hostRoutes = routes.map(({ host, dst, via, dev }) => `on ${host}: ${dst} via ${via} dev ${dev}`);
  return [
    ...entry("Kernel", [kernel, ...(ipvlanRefusal === undefined ? [] : standsIn)]),
    ...entry("Configuration", [`${template}, the same on both hosts`]),
    ...entry("Addresses", [
      "from a block of the subnet for each NIC and host, so that hosts need not",
      `ask each other; the node file of a host says its index: ${indexes}`,
    ]),
    ...entry(
      "Host routes",
      hostRoutes.length > 0 ? hostRoutes : ["none: the pods are on the switches themselves"],
    ),
    ...entry("Pings", [
      "from every address to each one of the other pod; a column for each of its interfaces",
    ]),
  ];
}

/** A word, and lines about it beside it. */
function entry(word: string, lines: readonly string[]): string[] {
  return lines.map((line, place) => `${(place === 0 ? word : "").padEnd(15)}${line}`);
}

function table(report: Report): string[] {
  const names = report.hosts[0]?.interfaces.map(({ name }) => name) ?? [];
  const head = ["HOST", "POD", "INTERFACE", "MASTER", "ADDRESS", ...names.map((name) => `PING ${name}`)];
  const rows = report.hosts.flatMap((host) =>
    host.interfaces.map((each) => [
      host.name,
      host.pod,
      each.name,
      each.master,
      each.address,
      ...times(report, each.address),
    ]),
  );
  const widths = head.map((_, at) => Math.max(...[head, ...rows].map((row) => row[at]?.length ?? 0)));
  return [head, ...rows].map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

function times({ pings }: Report, address: string): string[] {
  const [from] = address.split("/");
  return pings
    .filter((ping) => ping.from === from)
    .map(({ ms }) => (ms === undefined ? "no answer" : `${ms.toFixed(2)} ms`));
}
