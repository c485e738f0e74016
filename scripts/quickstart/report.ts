import type { PodInterface } from "./attachment.ts";
import type { HostRoute } from "./host-routes.ts";
import type { Ping } from "./ping.ts";
import type { Host } from "./topology.ts";

/** What happened, as `--json` prints it. */
export interface Report {
  readonly kernel: string;
  /** "ipvlan l3" */
  readonly link: string;
  /** The configuration, the same on both hosts. */
  readonly template: string;
  /** What the kernel says to ipvlan, where macvlan stood in for it; else undefined. */
  readonly ipvlanRefusal: string | undefined;
  readonly hosts: readonly AttachedHost[];
  readonly routes: readonly HostRoute[];
  readonly pings: readonly Ping[];
  readonly leftBehind: readonly string[];
}

export interface AttachedHost extends Host {
  readonly interfaces: readonly PodInterface[];
  /** Milliseconds */
  readonly addMs: number;
  readonly delMs: number;
}

/** One sentence, and whether it is the one that was hoped for. */
export function verdict({ pings, leftBehind }: Report): { ok: boolean; text: string } {
  const lost = pings.filter(({ ms }) => ms === undefined);
  const answered =
    lost.length === 0
      ? `all ${pings.length} pings answered`
      : `${lost.length} of ${pings.length} pings not answered (${lost.map(({ from, to }) => `${from} to ${to}`).join(", ")})`;
  const left = leftBehind.length === 0 ? "nothing left behind" : `left behind: ${leftBehind.join("; ")}`;
  return {
    ok: pings.length > 0 && lost.length === 0 && leftBehind.length === 0,
    text: `${answered}, ${left}`,
  };
}
