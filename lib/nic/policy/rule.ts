import type { HostNic } from "../host-nic.ts";
import type { SelectedNic } from "../offer.ts";
import { formatBandwidth } from "./bandwidth.ts";
import { describeClass, identityOf, isOfClass } from "./device-class.ts";
import { describeDistances, distancesTo } from "./distance.ts";
import type { Policy, Ruled, Ruling } from "./policy.ts";

/** A NIC that passed the filter, with what it is compared by. */
interface Candidate {
  readonly nic: SelectedNic<HostNic>;
  /** In the network's order, which decides where all else is equal. */
  readonly place: number;
  /** Attachments that use it already */
  readonly load: number;
  /** Mbit/s */
  readonly speed: number;
  /** To each GPU of the pod; [] under other strategies */
  readonly distances: readonly number[];
}

/** How many of the candidates are taken, from the first on; or why that cannot be. */
type Cut = { readonly take: number; readonly enough: string } | { readonly refusal: string };

/**
 * Which of the offered NICs a pod gets: what cannot serve is left out, the others are put in order, and then the order is
 * cut. The same for the same input, in whatever order the host lists its NICs.
 */
export function rule(offered: readonly SelectedNic<HostNic>[], policy: Policy): Ruled {
  const out: Ruling[] = [];
  const candidates: Candidate[] = [];
  for (const [place, nic] of offered.entries()) {
    const reason = leftOut(nic.nic, policy);
    if (reason === undefined) candidates.push(candidate(nic, place, policy));
    else out.push({ nic, verdict: "left out", reason });
  }
  const ordered = inOrder(candidates, policy);
  const cut = cutOf(ordered, policy);
  const take = "take" in cut ? cut.take : 0;
  const rulings = ordered.map((each, at): Ruling => {
    const reason = reasonFor(each, policy);
    if (at < take) return { nic: each.nic, verdict: "chosen", reason };
    return {
      nic: each.nic,
      verdict: "spare",
      reason: `${"take" in cut ? cut.enough : "not enough"}; ${reason}`,
    };
  });
  const all = [...rulings, ...out];
  return "take" in cut ? { rulings: all } : { rulings: all, refusal: withNics(cut.refusal, all) };
}

function leftOut(nic: HostNic, { strategy, deviceClass, addressFor }: Policy): string | undefined {
  if (!nic.up) return "is down";
  if (!nic.carrier) return "has no carrier";
  if (nic.upper !== undefined) return `is a port of ${nic.upper}`;
  if (nic.representor) return `stands for ${nic.switchPort?.name ?? "a function"} of an embedded switch`;
  if (addressFor !== undefined && nic.addresses.length === 0)
    return `has no address, which ${addressFor} needs`;
  if (deviceClass !== undefined && !isOfClass(nic, deviceClass))
    return `is ${identityOf(nic)}, not of class ${deviceClass.name} (${describeClass(deviceClass)})`;
  if (isByBandwidth(strategy) && nic.speed === undefined) return "does not say its speed";
  return undefined;
}

const isByBandwidth = (strategy: Policy["strategy"]): boolean =>
  strategy === "costOpt" || strategy === "perfOpt";

function candidate(nic: SelectedNic<HostNic>, place: number, policy: Policy): Candidate {
  const { topology, load, strategy } = policy;
  return {
    nic,
    place,
    load: load.get(nic.nic.name) ?? 0,
    speed: nic.nic.speed ?? 0,
    distances: strategy === "topology" && topology ? distancesTo(nic.nic, topology) : [],
  };
}

/** What a pod that comes to it now can count on: its share among those that use it, in Mbit/s. */
const shareOf = ({ speed, load }: Candidate): number => speed / (load + 1);

const byLoad = (a: Candidate, b: Candidate): number => a.load - b.load || a.place - b.place;
const orders = {
  none: byLoad,
  devClass: byLoad,
  topology: byLoad,
  costOpt: (a: Candidate, b: Candidate) => b.speed - a.speed || byLoad(a, b),
  perfOpt: (a: Candidate, b: Candidate) => a.load - b.load || b.speed - a.speed || a.place - b.place,
} satisfies Record<Policy["strategy"], unknown>;

function inOrder(candidates: readonly Candidate[], policy: Policy): Candidate[] {
  const sorted = [...candidates].sort(orders[policy.strategy]);
  if (policy.strategy === "topology") return byDistance(sorted);
  if (policy.strategy !== "perfOpt") return sorted;
  // Where the least shared ones are not enough, what counts is what each can give.
  const shared = sumOf(sorted.slice(0, policy.nics), shareOf);
  if (shared >= (policy.target ?? 0)) return sorted;
  return sorted.sort((a, b) => shareOf(b) - shareOf(a) || b.speed - a.speed || byLoad(a, b));
}

const sumOf = (candidates: readonly Candidate[], of: (candidate: Candidate) => number): number =>
  candidates.reduce((sum, each) => sum + of(each), 0);

/**
 * The nearest to all the pod's GPUs together first. Of those with one sum, each GPU's first NIC comes before any GPU's
 * second: two GPUs on two switches get a NIC on each.
 */
function byDistance(sorted: readonly Candidate[]): Candidate[] {
  const alike = new Map<string, number>();
  const keyed = sorted.map((each) => {
    const key = each.distances.join(" ");
    const turn = alike.get(key) ?? 0;
    alike.set(key, turn + 1);
    return { each, turn, sum: each.distances.reduce((sum, one) => sum + one, 0) };
  });
  // Without GPUs all are equal, and stay in the order of their load; sort is stable.
  keyed.sort((a, b) => a.sum - b.sum || a.turn - b.turn);
  return keyed.map(({ each }) => each);
}

function cutOf(ordered: readonly Candidate[], policy: Policy): Cut {
  const { strategy, nics, target } = policy;
  if (ordered.length === 0) return { refusal: nothingLeft(policy) };
  if (nics !== undefined && nics > ordered.length) {
    const least = `ask for at most ${ordered.length}`;
    if (!isByBandwidth(strategy))
      return { refusal: `args.cni.nics: ${nics} are asked for and ${ordered.length} can be had; ${least}` };
  }
  const most = Math.min(nics ?? ordered.length, ordered.length);
  if (!isByBandwidth(strategy) || target === undefined)
    return { take: most, enough: `${most} are asked for` };
  return cutByBandwidth(ordered, most, target, strategy === "costOpt" ? ({ speed }) => speed : shareOf);
}

function cutByBandwidth(
  ordered: readonly Candidate[],
  most: number,
  target: number,
  counts: (candidate: Candidate) => number,
): Cut {
  let sum = 0;
  for (let take = 1; take <= most; take++) {
    sum += counts(ordered[take - 1] as Candidate);
    if (sum >= target) return { take, enough: `${formatBandwidth(target)} are reached without it` };
  }
  const fastest = [...ordered].sort(orders.costOpt).slice(0, most);
  const nominal = sumOf(fastest, ({ speed }) => speed);
  // Shared, they give less than is wished for, and more than any fewer: it is the most there is.
  if (nominal >= target) return { take: most, enough: `${most} are asked for` };
  return {
    refusal: `target: ${formatBandwidth(target)} are asked for and ${most === ordered.length ? "all" : "the fastest"} ${most} NICs that can serve have ${formatBandwidth(nominal)}; ask for less${most < ordered.length ? ", or for more nics" : ""}`,
  };
}

function nothingLeft({ deviceClass }: Policy): string {
  return deviceClass === undefined
    ? "attachPolicy: no NIC of this network can serve on this host"
    : `class: no NIC of this network on this host is of class "${deviceClass.name}" (${describeClass(deviceClass)}) and can serve`;
}

function reasonFor(each: Candidate, { strategy, topology }: Policy): string {
  const load = `${each.load} attachment${each.load === 1 ? "" : "s"}`;
  if (strategy === "topology" && topology) return `${describeDistances(each.distances, topology)}, ${load}`;
  return isByBandwidth(strategy) ? `${formatBandwidth(each.speed)}, ${load}` : load;
}

/** A host can have hundreds of virtual functions: a message names the first few. */
const mostNamed = 16;

function withNics(refusal: string, rulings: readonly Ruling[]): string {
  const named = rulings
    .slice(0, mostNamed)
    .map(({ nic, verdict, reason }) =>
      verdict === "left out" ? `${nic.nic.name} ${reason}` : `${nic.nic.name} (${reason})`,
    );
  const more = rulings.length > mostNamed ? ", …" : "";
  return named.length === 0 ? refusal : `${refusal}: ${named.join(", ")}${more}`;
}
