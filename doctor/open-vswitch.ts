import type { Scope } from "./check.ts";
import type { Tree } from "./tree.ts";

/** What Open vSwitch is set to. */
export interface OpenVswitch {
  readonly otherConfig: ReadonlyMap<string, string>;
  readonly externalIds: ReadonlyMap<string, string>;
  /** Each bridge's ports */
  readonly bridges: ReadonlyMap<string, readonly string[]>;
}

/** Its unit of systemd, as remedies name it: distributions differ. */
export const unit = "openvswitch-switch (openvswitch on Fedora and RHEL)";

/** The arguments of ovs-vsctl that print it all in one call, a line a table. */
export function showArguments({ ovsDb }: Pick<Scope, "ovsDb">): readonly string[] {
  return [
    ...(ovsDb === undefined ? [] : [`--db=${ovsDb}`]),
    ...["--timeout=4", "--format=json", "--columns=other_config,external_ids", "list", "Open_vSwitch"],
    ...["--", "--columns=name,ports", "list", "Bridge", "--", "--columns=_uuid,name", "list", "Port"],
  ];
}

/** Asks ovs-vsctl. `failure` says why there is no answer. */
export async function openVswitch(
  tree: Tree,
  scope: Scope,
): Promise<OpenVswitch | { readonly failure: string }> {
  const output = await tree.output("ovs-vsctl", showArguments(scope));
  if ("failure" in output) return { failure: output.failure };
  try {
    return parseTables(output.stdout);
  } catch {
    return { failure: "ovs-vsctl printed something else than its tables as JSON" };
  }
}

interface Table {
  readonly headings: readonly string[];
  readonly data: readonly (readonly unknown[])[];
}

function parseTables(printed: string): OpenVswitch {
  const tables = printed
    .trim()
    .split("\n")
    .map((line) => rowsOf(JSON.parse(line) as Table));
  const [[settings] = [], bridges = [], ports = []] = tables;
  const portNames = new Map(ports.map((port) => [uuidsIn(port._uuid)[0], String(port.name)]));
  return {
    otherConfig: mapIn(settings?.other_config),
    externalIds: mapIn(settings?.external_ids),
    bridges: new Map(
      bridges.map(({ name, ports: of }) => [
        String(name),
        uuidsIn(of).flatMap((uuid) => portNames.get(uuid) ?? []),
      ]),
    ),
  };
}

function rowsOf({ headings, data }: Table): Record<string, unknown>[] {
  return data.map((row) => Object.fromEntries(headings.map((heading, place) => [heading, row[place]])));
}

/** ["map", [[k, v], …]] (RFC 7047, 5.1). */
function mapIn(value: unknown): ReadonlyMap<string, string> {
  const [, pairs] = value as ["map", [string, string][]];
  return new Map(pairs);
}

/** ["uuid", u], or ["set", [["uuid", u], …]]. */
function uuidsIn(value: unknown): string[] {
  const [kind, content] = value as ["uuid", string] | ["set", ["uuid", string][]];
  return kind === "uuid" ? [content] : content.map(([, uuid]) => uuid);
}
