import { afterEach, beforeEach, expect, it } from "vitest";
import { describeWhere } from "../live/kernel.ts";
import { ipBatch, makeNamespace, type Namespace } from "../live/namespaces.ts";
import { checked, unconnected, whyUnconnected } from "./concheck.ts";
import { veth } from "./pods.ts";

/** Two pods with two NICs each, all on one switch and subnet: 10.9.0.<10 × pod + NIC>/24, fd09::<the same>/64. */
function makePods(stack: DisposableStack): { fabric: Namespace; pods: readonly [Namespace, Namespace] } {
  const fabric = stack.use(makeNamespace("fabric"));
  ipBatch(fabric, ["link add flat type bridge mcast_snooping 0", "link set flat up"]);
  const make = (place: number) => {
    const pod = stack.use(makeNamespace(`pod${place}`));
    for (const nic of [1, 2]) {
      const port = `p${place}n${nic}`;
      ipBatch(fabric, [
        `link add ${port} type veth peer name net${nic} netns ${pod.name}`,
        `link set ${port} master flat up`,
      ]);
      ipBatch(pod, [
        `addr add 10.9.0.${place}${nic}/24 dev net${nic}`,
        `addr add fd09::${place}${nic}/64 dev net${nic} nodad`,
        `link set net${nic} up`,
      ]);
    }
    return pod;
  };
  return { fabric, pods: [make(1), make(2)] };
}

/** As multi-nic sets it with `sourceRouting`: each NIC sends what is from its address, and answers for no other. */
function routeBySource(pod: Namespace, place: number): void {
  pod.exec("sysctl", "-qw", "net.ipv4.conf.all.arp_ignore=1", "net.ipv4.conf.all.arp_announce=2");
  for (const nic of [1, 2])
    for (const [net, address] of [
      ["10.9.0.0/24", `10.9.0.${place}${nic}`],
      ["fd09::/64", `fd09::${place}${nic}`],
    ]) {
      pod.ip(`route add ${net} dev net${nic} src ${address} table ${nic}`);
      pod.ip(`${net?.includes(":") ? "-6 " : ""}rule add from ${address} table ${nic}`);
    }
}

/** What is not connected where one NIC of the second pod is cut off: its two addresses, and what it asks itself. */
const ofSecondNic = [
  ...["10.9.0.22", "fd09::22"].map((address) => `p1 > p2 ${address}`),
  ...["10.9.0.12", "fd09::12"].map((address) => `p2 > p1 ${address}`),
];

describeWhere(veth, "multi-nic-concheck where the NICs of a pod share a subnet", () => {
  let stack: DisposableStack;
  let bed: ReturnType<typeof makePods>;
  beforeEach(() => {
    stack = new DisposableStack();
    bed = makePods(stack);
  });
  afterEach(() => stack.dispose());

  const check = () =>
    checked([
      "--no-bandwidth",
      "--timeout=1",
      ...bed.pods.flatMap(({ path }, place) => ["--netns", `p${place + 1}=${path}`]),
    ]);

  it("reaches each by itself", () => {
    for (const [place, pod] of bed.pods.entries()) routeBySource(pod, place + 1);
    expect(whyUnconnected(check())).toEqual([]);
  });

  it.each([
    ["has no carrier", () => bed.fabric.ip("link set p2n2 down")],
    ["is on another switch", () => bed.fabric.ip("link set p2n2 nomaster")],
  ])("finds one that %s, though the other NIC answers for it", (_what, cut) => {
    cut();
    expect(unconnected(check())).toEqual(ofSecondNic);
  });

  it("finds an address that two pods have, however well it answers", () => {
    bed.pods[1].ip("addr add 10.9.0.11/24 dev net1");
    const report = check();
    expect(unconnected(report)).toEqual(expect.arrayContaining(["p1 > p2 10.9.0.11", "p2 > p1 10.9.0.11"]));
    expect(
      report.networks[0]?.rows[0]?.addresses.find(({ address }) => address === "10.9.0.11")?.udp,
    ).toEqual({
      failure: "p1 has 10.9.0.11 too: two pods, one address",
    });
  });
});
