import { expect, test } from "vitest";
import type { JsonObject } from "../../lib/cni/json.ts";
import { pool } from "./conf.ts";
import { describeWhere } from "./kernel.ts";
import { kernelState } from "./kernel-state.ts";
import { emptyStore, makeNode, storeOf } from "./node.ts";
import { makePodman, podmanNeeds } from "./podman.ts";

const network = (subnet: string, masters: readonly string[]): JsonObject => ({
  type: "multi-nic",
  naming: "first-exact",
  plugin: { type: "macvlan" },
  masters,
  ...pool(),
  subnet,
});

const names = Array.from({ length: 8 }, (_, i) => `c${i}`);
const onBoth = ["--network", "fast:interface_name=eth0", "--network", "slow:interface_name=eth1"];

describeWhere(podmanNeeds, "podman, with 8 containers at once on two networks", () => {
  test("their 24 addresses are all different, and removed at once they leave nothing", async () => {
    using node = makeNode(3);
    using podman = makePodman(node, {
      fast: network("192.168.0.0/16", ["eth1", "eth2"]),
      slow: network("172.20.0.0/16", ["eth3"]),
    });
    const before = kernelState(node.host);
    const all = (args: (name: string) => readonly string[]) =>
      Promise.all(names.map((name) => podman.start(...args(name))));

    await all((name) => ["run", "--detach", "--name", name, ...onBoth, "localhost/box", "/bin/sleep", "600"]);
    const seen = await all((name) => ["exec", name, "/bin/ip", "-4", "-o", "address", "show", "up"]);
    const found = seen.map((text) => [...text.matchAll(/^\d+: (eth\S+) +inet (\S+)/gm)]);
    expect(found.map((each) => each.map(([, ifname]) => ifname).sort())).toEqual(
      names.map(() => ["eth0", "eth0-1", "eth1"]),
    );
    const addresses = found.flatMap((each) => each.map(([, , cidr]) => cidr));
    expect(new Set(addresses).size).toBe(24);
    expect(storeOf(node)).toMatchObject({ attachments: { length: 16 }, leases: { length: 24 } });

    await all((name) => ["rm", "--force", "--time", "0", name]);
    expect(storeOf(node)).toEqual(emptyStore);
    expect(kernelState(node.host)).toEqual(before);
  });
});
