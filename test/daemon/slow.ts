import { expect, vi } from "vitest";
import { makeFakeIpam } from "../live/fake-ipam.ts";
import { cniPath } from "../live/plugin.ts";
import { at, network } from "../live/scene.ts";

/** Waits until the fake is told to go on, or its test has ended. */
export const untilWell = 'until [ -e "$0.well" ] || [ ! -e "$0" ]; do sleep 0.02; done';
export const oneAddress = `echo '{"cniVersion":"1.1.0","ips":[{"address":"10.9.9.9/24"}]}'`;

/** A configuration whose addresses come from a fake IPAM of these scripts, and an attachment that finds it. */
export function withIpam(add: string, others = "") {
  const ipam = makeFakeIpam(add, others);
  return {
    ipam,
    conf: network({ masters: ["eth1"], subnet: null, ipam: { type: ipam.type } }),
    attachment: { ...at(), path: `${ipam.folder}:${cniPath}` },
  };
}

/** A configuration whose addresses come from an IPAM that waits until it is told to go on. */
export function slow() {
  const made = withIpam(`${untilWell}; ${oneAddress}`);
  return {
    ...made,
    begun: () => vi.waitFor(() => expect(made.ipam.calls()).toHaveLength(1), 20_000),
  };
}
