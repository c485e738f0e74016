import { openNetns } from "../lib/linux/netns.ts";
import { formatAddress } from "../lib/net/address.ts";
import { Endpoint, type Outcome } from "./endpoint.ts";
import { inParallel, type Limits } from "./limits.ts";
import { neighbourPace } from "./pace.ts";
import type { Probe } from "./plan.ts";
import type { Pod, PodAddress } from "./pod.ts";
import type { OwnAddress } from "./udp-socket.ts";

/** What came of a probe. Both have to be answered. */
export interface Reached {
  readonly tcp: Outcome;
  readonly udp: Outcome;
}

export type Results = ReadonlyMap<Probe, Reached>;

/** Asks all, each from within its pod. Probes without a result were not made: the signal came first. */
export async function reachAll(
  pods: readonly Pod[],
  probes: readonly Probe[],
  { timeout, parallel }: Limits,
  signal: AbortSignal,
  done: () => void,
): Promise<Results> {
  const results = new Map<Probe, Reached>();
  using endpoints = openEndpoints(pods);
  const { next, why } = neighbourPace(probes.length);
  if (why !== undefined) process.stderr.write(`multi-nic-concheck: ${why}\n`);
  await inParallel(probes, parallel, signal, async (probe) => {
    await next();
    if (signal.aborted) return;
    results.set(probe, await reach(probe, endpoints.of, timeout));
    done();
  });
  return results;
}

type Opened = Endpoint | { readonly failure: string };

/** Of every pod; where none can be made, why. */
function openEndpoints(pods: readonly Pod[]) {
  const opened = new Map<Pod, Opened>();
  const stack = new DisposableStack();
  const peers = new Set(
    pods.flatMap(({ addresses }) => addresses.map(({ cidr }) => formatAddress(cidr.address))),
  );
  for (const pod of pods) opened.set(pod, open(pod, peers, stack));
  return {
    of: (pod: Pod): Opened => opened.get(pod) ?? { failure: "it is not checked" },
    [Symbol.dispose]: () => stack.dispose(),
  };
}

function open(pod: Pod, peers: ReadonlySet<string>, stack: DisposableStack): Opened {
  if (pod.missing !== undefined) return { failure: pod.missing };
  try {
    const netns = stack.use(openNetns(pod.netns));
    const addresses = pod.addresses.map(ownAddress);
    return stack.use(new Endpoint({ netns, addresses, port: 0, isPeer: (address) => peers.has(address) }));
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) };
  }
}

export const ownAddress = ({ cidr, ifname }: PodAddress): OwnAddress => ({
  address: formatAddress(cidr.address),
  ...(ifname === undefined ? {} : { ifname }),
});

async function reach(probe: Probe, of: (pod: Pod) => Opened, timeout: number): Promise<Reached> {
  const [from, to] = [of(probe.from), of(probe.to)];
  if ("failure" in from) return both(`${probe.from.name}: ${from.failure}`);
  if ("failure" in to) return both(`${probe.to.name}: ${to.failure}`);
  return await ask(from, probe, to.portsOf(probe.target), timeout);
}

/** Asks by TCP and by UDP at once. */
export async function ask(
  from: Endpoint,
  { source, target, to, twin }: Probe,
  ports: { readonly tcp: number; readonly udp: number } | undefined,
  timeout: number,
): Promise<Reached> {
  if (twin !== undefined) return both(`${twin.name} has ${target} too: two pods, one address`);
  if (source === undefined) return both(`no address of the family of ${target} to ask from`);
  if (ports === undefined) return both(`${target} is not an address of ${to.name} any more`);
  const [tcp, udp] = await Promise.all([
    from.probeTcp(source, target, ports.tcp, timeout),
    from.probeUdp(source, target, ports.udp, timeout),
  ]);
  return { tcp, udp };
}

const both = (failure: string): Reached => ({ tcp: { failure }, udp: { failure } });

export const isConnected = (reached: Reached | undefined): boolean =>
  reached !== undefined && "ms" in reached.tcp && "ms" in reached.udp;
