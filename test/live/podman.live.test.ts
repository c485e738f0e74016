import { afterAll, beforeAll, expect, test } from "vitest";
import type { JsonObject } from "../../lib/cni/json.ts";
import { pool } from "./conf.ts";
import { describeWhere } from "./kernel.ts";
import { kernelState } from "./kernel-state.ts";
import { emptyStore, makeNode, type Node, storeOf } from "./node.ts";
import { makePodman, type Podman, podmanNeeds } from "./podman.ts";

const network = (subnet: string, masters: readonly string[]): JsonObject => ({
  type: "multi-nic",
  naming: "first-exact",
  plugin: { type: "macvlan" },
  masters,
  ...pool(),
  subnet,
});

/** Inspected of a running container, by network. */
type Networks = Readonly<Record<string, { IPAddress: string; IPPrefixLen: number; MacAddress: string }>>;

describeWhere(podmanNeeds, "podman, with a container on two networks", () => {
  let node: Node;
  let podman: Podman;
  beforeAll(() => {
    node = makeNode(3);
    podman = makePodman(node, {
      fast: network("192.168.0.0/16", ["eth1", "eth2"]),
      slow: network("172.20.0.0/16", ["eth3"]),
    });
  });
  afterAll(() => {
    podman[Symbol.dispose]();
    node[Symbol.dispose]();
  });

  test("the container has all its NICs, and once removed leaves nothing", () => {
    const before = kernelState(node.host);
    // podman deals eth0 and eth1 out in no order of its own.
    const networks = ["--network", "fast:interface_name=eth0", "--network", "slow:interface_name=eth1"];
    podman.run("run", "--detach", "--name", "c1", ...networks, "localhost/box", "/bin/sleep", "600");
    const seen = podman.run("exec", "c1", "/bin/ip", "-4", "-o", "address", "show", "up");
    const found = [...seen.matchAll(/^\d+: (\S+) +inet (\S+)/gm)].map(([, ifname, cidr]) => [ifname, cidr]);
    expect(found).toEqual(
      expect.arrayContaining([
        ["eth0", "192.168.1.1/19"],
        ["eth0-1", "192.168.33.1/19"],
        ["eth1", "172.20.1.1/19"],
      ]),
    );
    expect(found).toHaveLength(4); // and loopback
    const [{ NetworkSettings }] = JSON.parse(podman.run("inspect", "c1"));
    expect(NetworkSettings.Networks as Networks).toMatchObject({
      fast: { IPAddress: "192.168.1.1", IPPrefixLen: 19 },
      slow: { IPAddress: "172.20.1.1", IPPrefixLen: 19 },
    });
    expect(storeOf(node).leases).toHaveLength(3);

    podman.run("rm", "--force", "--time", "0", "c1");
    expect(storeOf(node)).toEqual(emptyStore);
    expect(kernelState(node.host)).toEqual(before);
  });

  test("the container has the address and the MAC that podman asks for", () => {
    const mac = "02:00:00:00:00:77";
    podman.run(
      ...["run", "--detach", "--name", "c2", "--network", `slow:ip=172.20.1.77,mac=${mac}`],
      ...["localhost/box", "/bin/sleep", "600"],
    );
    const seen = podman.run("exec", "c2", "/bin/ip", "address", "show", "eth0");
    expect(seen).toContain("inet 172.20.1.77/19");
    expect(seen).toContain(`link/ether ${mac}`);
    podman.run("rm", "--force", "--time", "0", "c2");
    expect(storeOf(node)).toEqual(emptyStore);
  });

  test("a container whose address is taken does not start, and leaves nothing", () => {
    const run = (name: string) =>
      podman.run(
        ...["run", "--detach", "--name", name, "--network", "slow:ip=172.20.1.78"],
        ...["localhost/box", "/bin/sleep", "600"],
      );
    run("c3");
    expect(() => run("c4")).toThrow(/172\.20\.1\.78.*is held by/);
    expect(storeOf(node).leases).toHaveLength(1);
    podman.run("rm", "--force", "--time", "0", "c3", "c4");
    expect(storeOf(node)).toEqual(emptyStore);
  });
});
