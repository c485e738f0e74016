import { lookup } from "node:dns/promises";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { UsageError } from "../lib/cli/arguments.ts";
import { type Netns, ownNetns } from "../lib/linux/netns.ts";
import { parseCidr } from "../lib/net/address.ts";
import { bandwidthsOf } from "./bandwidth.ts";
import type { CheckOptions } from "./command-line.ts";
import { Endpoint } from "./endpoint.ts";
import { measureFrom } from "./iperf.ts";
import { inParallel } from "./limits.ts";
import { addressesIn } from "./named-pods.ts";
import { afterPatience } from "./patience.ts";
import { type Probe, planProbes } from "./plan.ts";
import type { Pod } from "./pod.ts";
import { type About, isSecondary, ownName } from "./pod-server.ts";
import { progress } from "./progress.ts";
import { ask, isConnected, ownAddress, type Reached } from "./reach.ts";
import { report, type Served } from "./serve.ts";

interface ClientOptions extends CheckOptions {
  readonly servers: readonly string[];
  readonly port: number;
  readonly hosts: number | undefined;
}

/** Checks from this pod every pod that serves, but for that of its own node. A row for each. */
export async function checkFromPod(
  options: ClientOptions,
  version: string,
  signal: AbortSignal,
): Promise<Served> {
  const limited = AbortSignal.any([signal, AbortSignal.timeout(options.maxTime)]);
  using netns = ownNetns();
  const addresses = (await addressesIn(netns)).filter(isSecondary);
  if (addresses.length === 0)
    throw new UsageError("this pod has no link but eth0; give it the network by an annotation");
  const own: Pod = { name: ownName(), netns: netns.path, addresses };
  const others = (await serversAt(options, limited)).filter(({ name }) => name !== own.name);
  if (others.length === 0)
    throw new UsageError(`nobody else serves at ${options.servers.join(", ")}, port ${options.port}`);
  const probes = planProbes([own, ...others]).filter(({ from }) => from === own);
  const results = await reachFrom(netns, own, probes, options, limited);
  const connected = probes.filter((probe) => isConnected(results.get(probe)));
  const bandwidths = await bandwidthsOf(
    connected,
    "bandwidths",
    options,
    limited,
    ({ source = "", target }, seconds, until) =>
      measureFrom(netns, { source, target, seconds }, options.port + 1, until),
  );
  const network = { name: `from ${own.name}`, pods: [own, ...others] };
  return report([{ network, probes, results, bandwidths, from: own }], options, version);
}

/** ms that servers are waited for, which are started with the clients, and between looks */
const patience = 60_000;
const pause = 1000;

/** All that serve at these names, each of which may have many addresses; and one that is missing for each that is not there. */
async function serversAt(options: ClientOptions, signal: AbortSignal): Promise<Pod[]> {
  const { hosts = 0 } = options;
  const until = performance.now() + patience;
  for (;;) {
    const pods = await introduced(options, signal);
    const named = new Set(pods.filter(({ missing }) => missing === undefined).map(({ name }) => name));
    if (named.size >= hosts) return pods;
    if (signal.aborted || performance.now() > until) return [...pods, ...absent(hosts - pods.length)];
    await sleep(pause);
  }
}

const absent = (count: number): Pod[] =>
  Array.from({ length: Math.max(0, count) }, (_, at) => ({
    name: `(missing ${at + 1})`,
    netns: "",
    addresses: [],
    missing: "it does not serve",
  }));

async function introduced({ servers, port, timeout }: ClientOptions, signal: AbortSignal): Promise<Pod[]> {
  const found = new Set<string>();
  for (const server of servers)
    for (const { address } of await lookup(server, { all: true }).catch(() => [])) found.add(address);
  const pods = new Map<string, Pod>();
  await inParallel([...found], 32, signal, async (host) => {
    const about = await introduction(host, port, timeout);
    const pod = about === undefined ? silent(host) : podOf(about);
    pods.set(pod.name, pod);
  });
  return [...pods.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

const silent = (host: string): Pod => ({
  name: host,
  netns: "",
  addresses: [],
  missing: "it does not say its addresses",
});

function podOf({ name, addresses }: About): Pod {
  const ifnames = [...new Set(addresses.map(({ ifname }) => ifname))];
  return {
    name,
    netns: "",
    addresses: addresses.map(({ ifname, cidr }) => ({
      nic: ifnames.indexOf(ifname),
      ifname,
      cidr: parseCidr(cidr),
    })),
  };
}

/** Bytes of an introduction that are read: 256 NICs with addresses of both families */
const mostBytes = 65_536;

function introduction(host: string, port: number, timeout: number): Promise<About | undefined> {
  return new Promise((resolve) => {
    let text = "";
    const socket = connect({ host, port });
    const limit = afterPatience(timeout, () => socket.destroy());
    socket.on("connect", () => socket.write("i"));
    socket.on("data", (bytes) => {
      text += bytes;
      if (text.length > mostBytes) socket.destroy();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      limit[Symbol.dispose]();
      resolve(aboutIn(text));
    });
  });
}

function aboutIn(text: string): About | undefined {
  try {
    const { name, addresses } = JSON.parse(text) as About;
    for (const { cidr } of addresses) parseCidr(cidr);
    return typeof name === "string" ? { name, addresses } : undefined;
  } catch {
    return undefined;
  }
}

async function reachFrom(
  netns: Netns,
  own: Pod,
  probes: readonly Probe[],
  { port, parallel, timeout, quiet }: ClientOptions,
  signal: AbortSignal,
): Promise<ReadonlyMap<Probe, Reached>> {
  const addresses = own.addresses.map(ownAddress);
  using endpoint = new Endpoint({ netns, addresses, port: 0, isPeer: () => false });
  using reaching = progress("probes", probes.length, process.stderr, quiet);
  const results = new Map<Probe, Reached>();
  await inParallel(probes, parallel, signal, async (probe) => {
    results.set(probe, await ask(endpoint, probe, { tcp: port, udp: port }, timeout));
    reaching.tick();
  });
  return results;
}
