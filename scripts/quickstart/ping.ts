import { attempt, inNamespace } from "./command.ts";

/** One ping from an address of a pod to one of the other pod. */
export interface Ping {
  readonly pod: string;
  readonly from: string;
  readonly to: string;
  /** Milliseconds until the answer; undefined where none came. */
  readonly ms: number | undefined;
}

/** A pod with its addresses, without the lengths of their prefixes. */
export interface Pinger {
  readonly pod: string;
  readonly addresses: readonly string[];
}

/** Pings from every address of each pod to every address of the others. */
export function pingAll(pods: readonly Pinger[]): Promise<Ping[]> {
  const pairs = pods.flatMap(({ pod, addresses }) =>
    addresses.flatMap((from) =>
      pods
        .filter((other) => other.pod !== pod)
        .flatMap((other) => other.addresses.map((to) => ({ pod, from, to }))),
    ),
  );
  return Promise.all(pairs.map(ping));
}

async function ping(pair: Omit<Ping, "ms">): Promise<Ping> {
  const [program, args] = inNamespace(pair.pod, "ping", "-n", "-c", "1", "-W", "3", "-I", pair.from, pair.to);
  const { status, stdout } = await attempt(program, args);
  const time = / time=([\d.]+) ms/.exec(stdout)?.[1];
  return { ...pair, ms: status === 0 && time !== undefined ? Number(time) : undefined };
}
