import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { conf, pool } from "../live/conf.ts";
import { kernelState } from "../live/kernel-state.ts";
import { makeNamespace, type Namespace } from "../live/namespaces.ts";
import { makeNode, type Node, tamperStore } from "../live/node.ts";
import { add, refused, succeed, withPrevResult } from "../live/plugin.ts";

let node: Node;
beforeAll(() => {
  node = makeNode(2);
});
afterAll(() => node[Symbol.dispose]());

let count = 0;
const network = (cniVersion = "1.1.0") =>
  conf(
    { cniVersion, name: `check-${++count}`, masters: ["eth1", "eth2"], sourceRouting: true },
    pool([4, 6], { routes: [{ dst: "10.60.0.0/16" }, { dst: "fd99::/64" }] }),
  );

/** In its place another link of its name, with its addresses. */
function remake(pod: Namespace, master: string, mode: string): void {
  pod.ip("link del net1-1");
  node.host.ip(`link add link ${master} name net1-1 netns ${pod.name} type macvlan mode ${mode}`);
  pod.ip("addr add 192.168.33.1/19 dev net1-1");
  pod.ip("link set net1-1 up");
}

const rule = "rule del priority 1000 from 192.168.33.1";
const rows: readonly (readonly [string, (pod: Namespace) => void, RegExp])[] = [
  ["a link that is gone", (pod) => pod.ip("link del net1-1"), /net1-1 is gone/],
  [
    "a link that was renamed",
    (pod) => {
      pod.ip("link set net1-1 down");
      pod.ip("link set net1-1 name other");
      pod.ip("link set other up");
    },
    /net1-1 is gone/,
  ],
  ["a link that is down", (pod) => pod.ip("link set net1-0 down"), /net1-0 is down/],
  ["another MTU", (pod) => pod.ip("link set net1-0 mtu 1400"), /net1-0 has MTU 1400, not 1500/],
  [
    "another mode",
    (pod) => pod.ip("link set net1-0 type macvlan mode vepa"),
    /macvlan vepa, not macvlan bridge/,
  ],
  ["another master", (pod) => remake(pod, "eth1", "bridge"), /net1-1 has master \d+, not \d+ \(eth2\)/],
  [
    "another kind of link",
    (pod) => {
      pod.ip("link del net1-1");
      pod.ip("link add net1-1 type bridge");
      pod.ip("link set net1-1 up");
    },
    /net1-1 is bridge, not macvlan bridge/,
  ],
  [
    "an address that is gone",
    (pod) => pod.ip("addr del 192.168.1.1/19 dev net1-0"),
    /lost 192\.168\.1\.1\/19/,
  ],
  [
    "an address that was added",
    (pod) => pod.ip("addr add 10.9.9.9/24 dev net1-1"),
    /net1-1 has 10\.9\.9\.9\/24/,
  ],
  ["an IPv6 address that is gone", (pod) => pod.ip("-6 addr flush dev net1-1 scope global"), /lost fd10/],
  ["a route that is gone", (pod) => pod.ip("route del 10.60.0.0/16"), /route 10\.60\.0\.0\/16 .*gone/],
  ["an IPv6 route that is gone", (pod) => pod.ip("-6 route del fd99::/64"), /route fd99::\/64 .*gone/],
  ["a rule that is gone", (pod) => pod.ip(rule), /rule from 192\.168\.33\.1\/32 .*gone/],
  [
    "a lease that is gone",
    () => tamperStore(node, "DELETE FROM leases WHERE nic = 1"),
    /lease of 192\.168\.33\.1/,
  ],
  [
    "a lease of another address",
    () => tamperStore(node, "UPDATE leases SET address = 'c0a82109' WHERE nic = 1 AND family = 4"),
    /lease of 192\.168\.33\.1 is gone/,
  ],
  [
    "a record that is gone",
    () => tamperStore(node, "DELETE FROM leases; DELETE FROM attachments"),
    /net1 of container c1 is not recorded/,
  ],
];

describe("CHECK finds", () => {
  // By turns in every version that has CHECK; below 1.1.0 a result has no MTU to compare.
  const since = (title: string, i: number) =>
    title === "another MTU" ? "1.1.0" : (["0.4.0", "1.0.0", "1.1.0"][i % 3] ?? "1.1.0");
  test.each(rows.map((row, i) => [since(row[0], i), ...row] as const))(
    "%s: %s",
    async (version, _, tamper, found) => {
      using pod = makeNamespace("pod");
      const before = kernelState(pod);
      const asked = network(version);
      const at = { netns: pod.path };
      const checked = withPrevResult(asked, await add(node, asked, at));
      await succeed(node, "CHECK", checked, at);
      tamper(pod);
      const error = await refused(node, "CHECK", checked, at);
      expect(error.code).toBe(106);
      expect(error.msg).toMatch(found);
      // And whatever was done to it, DEL clears up all that is still ours.
      await succeed(node, "DEL", asked, at);
      const left = kernelState(pod);
      expect(left.rules).toEqual(before.rules);
      expect(left.links.filter(({ link: { group } }) => group !== "default")).toEqual([]);
    },
  );

  test("an attachment that was never made", async () => {
    using pod = makeNamespace("pod");
    const asked = withPrevResult(network(), { interfaces: [], ips: [], routes: [], dns: {} });
    expect(await refused(node, "CHECK", asked, { netns: pod.path })).toMatchObject({ code: 106 });
  });

  test("that prevResult is missing", async () => {
    using pod = makeNamespace("pod");
    const error = await refused(node, "CHECK", network(), { netns: pod.path });
    expect(error).toMatchObject({ code: 7, msg: expect.stringMatching(/^prevResult: /) });
  });

  test("no fault in an MTU that a plugin behind it in the chain set, and told of", async () => {
    using pod = makeNamespace("pod");
    const asked = network();
    const result = await add(node, asked, { netns: pod.path });
    pod.ip("link set net1-0 mtu 1400");
    const interfaces = result.interfaces.map((one, i) => (i === 0 ? { ...one, mtu: 1400 } : one));
    await succeed(node, "CHECK", withPrevResult(asked, { ...result, interfaces }), { netns: pod.path });
  });
});
