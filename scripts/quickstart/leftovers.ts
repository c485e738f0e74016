import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { stateOf } from "./attachment.ts";
import { run } from "./command.ts";
import type { Host } from "./topology.ts";

/** What there is in the namespaces and the state of the hosts, a line each: "pod-a: rule 1000: from …". */
export type Inventory = ReadonlySet<string>;

/**
 * What `ip` is asked for in every namespace, and what to call a line of the answer. Not IPv6 routes: the kernel makes
 * those of a link-local address a second after the link is up, on its own.
 */
const kernel = [
  ["link", ["-br", "link", "show"]],
  ["route", ["-4", "route", "show", "table", "all"]],
  ["rule", ["rule", "show"]],
  ["IPv6 rule", ["-6", "rule", "show"]],
] as const;

/** The links, routes and rules of hosts and pods, and the attachments and leases that the hosts have recorded. */
export async function takeInventory(hosts: readonly Host[]): Promise<Inventory> {
  const lines: string[] = [];
  for (const host of hosts) {
    for (const namespace of [host.name, host.pod]) {
      for (const [what, args] of kernel) {
        const found = (await run("ip", ["-n", namespace, ...args])).split("\n").filter((line) => line !== "");
        lines.push(...found.map((line) => `${namespace}: ${what} ${line.trim().replace(/\s+/g, " ")}`));
      }
    }
    lines.push(...recorded(host));
  }
  return new Set(lines);
}

function recorded(host: Host): string[] {
  const path = join(stateOf(host), "state.db");
  if (!existsSync(path)) return [];
  using database = new DatabaseSync(path, { readOnly: true });
  const rows = (table: string) => database.prepare(`SELECT * FROM ${table}`).all();
  return [
    ...rows("attachments").map(
      ({ container_id, ifname }) => `${host.name}: attachment ${container_id} ${ifname}`,
    ),
    ...rows("leases").map(
      ({ family, address }) => `${host.name}: lease of IPv${family} address 0x${address}`,
    ),
  ];
}

/** What there is now and was not before. */
export function leftBehind(before: Inventory, after: Inventory): string[] {
  return [...after].filter((line) => !before.has(line));
}
