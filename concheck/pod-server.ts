import { spawn } from "node:child_process";
import { once } from "node:events";
import { hostname } from "node:os";
import { ownNetns } from "../lib/linux/netns.ts";
import { formatCidr } from "../lib/net/address.ts";
import { whyNoIperf } from "./bandwidth.ts";
import { Endpoint } from "./endpoint.ts";
import { addressesIn } from "./named-pods.ts";
import type { PodAddress } from "./pod.ts";
import { ownAddress } from "./reach.ts";
import type { Served } from "./serve.ts";

/** What a pod says of itself to who asks. */
export interface About {
  readonly name: string;
  readonly addresses: readonly { readonly ifname: string; readonly cidr: string }[];
}

/** Links of a pod that are not a network's of Multus: eth0 is the cluster's (its annotation names others net1, …). */
export const isSecondary = ({ ifname }: PodAddress): boolean => ifname !== "eth0";

/** The node's name where the manifest hands it on, else the pod's. */
export const ownName = (): string => process.env.NODE_NAME || hostname();

/** Answers on all addresses of the pod until the signal. Anybody who reaches it may ask. */
export async function servePod({ port }: { readonly port: number }, signal: AbortSignal): Promise<Served> {
  using netns = ownNetns();
  const addresses = await addressesIn(netns);
  const about: About = {
    name: ownName(),
    addresses: addresses
      .filter(isSecondary)
      .map(({ ifname = "", cidr }) => ({ ifname, cidr: formatCidr(cidr) })),
  };
  const own = addresses.map(ownAddress);
  using _endpoint = new Endpoint({ netns, addresses: own, port, isPeer: () => true, about });
  const whyNot = whyNoIperf();
  if (whyNot !== undefined) process.stderr.write(`multi-nic-concheck: no bandwidths: ${whyNot}\n`);
  const iperf = whyNot === undefined ? startIperf(port + 1) : undefined;
  process.stderr.write(
    `multi-nic-concheck: ${about.name} answers on port ${port}: ${own.map(({ address }) => address).join(" ")}\n`,
  );
  if (!signal.aborted) await once(signal, "abort");
  iperf?.kill("SIGKILL");
  return { stdout: "", exitCode: 0, isEndedBySignal: true };
}

function startIperf(port: number) {
  const child = spawn("iperf3", ["-s", "-p", String(port)], { stdio: "ignore" });
  child.on("error", (error) => process.stderr.write(`multi-nic-concheck: iperf3: ${error.message}\n`));
  return child;
}
