import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Result } from "../../lib/cni/result.ts";
import { attempt, inNamespace } from "./command.ts";
import type { Template } from "./template.ts";
import type { Host } from "./topology.ts";

/** Where a host keeps its state: each has a folder of its own, as each would on a machine of its own. */
export const stateOf = ({ name }: Host): string => `/run/quickstart/${name}`;

/** Tells a host its index, and with that which addresses it may give: the node file of the network. */
export function writeNodeFile(host: Host, { conf }: Template): void {
  const folder = join(stateOf(host), "networks");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const masters = host.nics.map(({ name }, interfaceIndex) => ({ name, interfaceIndex }));
  writeFileSync(join(folder, `${conf.name}.json`), JSON.stringify({ hostIndex: host.hostIndex, masters }));
}

export interface Call {
  readonly stdout: string;
  /** Milliseconds from the start of the process to its end. */
  readonly ms: number;
}

/**
 * Calls multi-nic in the host's network namespace, as kubelet's runtime does.
 * @throws Error with what the plugin says, where it refuses
 */
export async function callMultiNic(
  command: "ADD" | "DEL" | "VERSION",
  host: Host,
  bin: string,
  { conf }: Template,
): Promise<Call> {
  const env = {
    PATH: process.env.PATH,
    CNI_COMMAND: command,
    CNI_CONTAINERID: `quickstart-${host.pod}`,
    CNI_NETNS: `/run/netns/${host.pod}`,
    CNI_IFNAME: "net1",
    CNI_PATH: bin,
    MULTI_NIC_CNI_STATE_DIR: stateOf(host),
    MULTI_NIC_CNI_LOG_FILE: `${stateOf(host)}/log`,
  };
  const [program, args] = inNamespace(host.name, join(bin, "multi-nic"));
  const started = performance.now();
  const { status, stdout, stderr } = await attempt(program, args, { input: JSON.stringify(conf), env });
  const ms = performance.now() - started;
  if (status === 0) return { stdout, ms };
  throw new Error(
    `${host.name}: multi-nic ${command}: ${complaint(stdout) ?? (stderr.trim() || `exit ${status}`)}`,
  );
}

/** The message of a CNI error object. */
function complaint(stdout: string): string | undefined {
  try {
    const { msg, details } = JSON.parse(stdout);
    return [msg, details].filter(Boolean).join("; ") || undefined;
  } catch {
    return undefined;
  }
}

/** What a pod got on one NIC. */
export interface PodInterface {
  readonly name: string;
  readonly master: string;
  /** With the length of its network's prefix. */
  readonly address: string;
}

/** The interfaces of a result. Those of multi-nic come in the order of the network's masters. */
export function interfacesOf(result: Result, host: Host): PodInterface[] {
  return result.interfaces.map(({ name }, place) => ({
    name,
    master: host.nics[place]?.name ?? "",
    address: result.ips.find((address) => address.interface === place)?.address ?? "",
  }));
}
