import { spawnSync } from "node:child_process";
import { expect } from "vitest";
import { need } from "./kernel.ts";
import type { Namespace } from "./namespaces.ts";

const found = spawnSync("ping", ["-V"]).status === 0;
export const ping = need("ping", found, "there is no ping; apt-get install iputils-ping");

/**
 * Whether a packet goes from an address of the namespace, by the NIC that routes say, to the address and back: until one
 * is answered, or `seconds` are over. A host's own IPv6 addresses are looked for doubles first, and until then it forwards
 * nothing, in the test kernel for some seconds.
 */
export function reaches(from: Namespace, source: string, to: string, seconds = 15): boolean {
  const args = ["-q", "-c", "1", "-i", "0.2", "-w", String(seconds), "-I", source, to];
  const run = spawnSync("ip", ["netns", "exec", from.name, "ping", ...args], { encoding: "utf8" });
  // 1: no answer; 2: it could not even ask, which is no finding about the network.
  expect([0, 1], `ping ${args.join(" ")}: ${run.stdout}${run.stderr}`).toContain(run.status);
  return run.status === 0;
}

/** "192.168.1.1/19" → "192.168.1.1" */
export const bare = (cidr: string): string => cidr.split("/")[0] ?? cidr;
