import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Result } from "../../lib/cni/result.ts";
import { conf, type Family, firstAddress, pool } from "./conf.ts";
import { describeWhere, linkKind } from "./kernel.ts";
import { addressesOf, kernelState, linkOf, routesOf } from "./kernel-state.ts";
import { makeNamespace, type Namespace } from "./namespaces.ts";
import { emptyStore, makeNode, type Node, storeOf } from "./node.ts";
import { add, succeed, withPrevResult } from "./plugin.ts";

interface Row {
  readonly plugin: { readonly type: string; readonly mode: string; readonly flag?: string };
  readonly nics: number;
  readonly families: readonly Family[];
}

const macvlans = ["bridge", "private", "vepa", "passthru"].map((mode) => ({ type: "macvlan", mode }));
const ipvlans = ["l2", "l3", "l3s"].flatMap((mode) =>
  ["bridge", "private", "vepa"].map((flag) => ({ type: "ipvlan", mode, flag })),
);
const counts = [1, 2, 8];
const families: readonly (readonly Family[])[] = [[4], [6], [4, 6]];

/** Every plugin with every number of NICs, the families by turns: each of them meets each number. */
const rows = (plugins: readonly Row["plugin"][]): Row[] =>
  plugins.flatMap((plugin, p) =>
    counts.map((nics, n) => ({ plugin, nics, families: families[(p + n) % 3] ?? [4] })),
  );

/** Pairwise: a third of the rows in which each plugin comes with each family once. */
const fewerRows = (plugins: readonly Row["plugin"][]): Row[] =>
  plugins.map((plugin, p) => ({
    plugin,
    nics: counts[p % 3] ?? 1,
    families: families[(p + Math.floor(p / 3)) % 3] ?? [4],
  }));

let node: Node;
beforeAll(() => {
  node = makeNode(8);
});
afterAll(() => node[Symbol.dispose]());

const title = ({ plugin: { type, mode, flag = "" }, nics, families }: Row) =>
  `${type} ${mode} ${flag} with ${nics} NICs and IPv${families.join(" and IPv")}`;

function suite(all: readonly Row[]): void {
  test.each(all.map((row) => [title(row), row] as const))("%s", async (_, row) => {
    using pod = makeNamespace("pod");
    const before = kernelState(pod);
    const { nics, families, plugin } = row;
    // A network of the row's own, so that it starts from the first addresses.
    const name = title(row).replaceAll(/\W+/g, "-");
    const network = conf({ name, plugin, masters: node.masters.slice(0, nics) }, pool(families));
    const at = { netns: pod.path };

    const result = await add(node, network, at);
    expect(result.interfaces).toHaveLength(nics);
    expect(result.ips).toHaveLength(nics * families.length);
    for (let nic = 0; nic < nics; nic++) expectAttached(pod, nic, row, result);
    await succeed(node, "CHECK", withPrevResult(network, result), at);

    await succeed(node, "DEL", network, at);
    expect(kernelState(pod)).toEqual(before);
    expect(storeOf(node)).toEqual(emptyStore);
    await succeed(node, "DEL", network, at);
    await succeed(node, "DEL", network, { ...at, netns: "" });
  });
}

/** The result, the kernel and the network's division of addresses say the same of a NIC. */
function expectAttached(pod: Namespace, nic: number, { plugin, families }: Row, result: Result): void {
  const ifname = `net1-${nic}`;
  const master = linkOf(node.host, node.masters[nic] ?? "");
  const link = linkOf(pod, ifname);
  expect(link).toMatchObject({
    link_index: master.ifindex,
    mtu: master.mtu,
    flags: expect.arrayContaining(["UP", "LOWER_UP"]),
    group: linkOf(pod, "net1-0").group,
    linkinfo: { info_kind: plugin.type, info_data: { mode: plugin.mode } },
  });
  expect(link.group).not.toBe("default");
  // iproute2 shows ipvlan's flag as a key with no value.
  if (plugin.flag !== undefined) expect(link.linkinfo?.info_data).toHaveProperty(plugin.flag);

  const addresses = families.map((family) => firstAddress(family, nic));
  expect(addressesOf(pod, ifname)).toEqual(addresses);
  expect(result.interfaces[nic]).toEqual({
    name: ifname,
    mac: link.address,
    mtu: link.mtu,
    sandbox: pod.path,
  });
  expect(result.ips.filter((ip) => ip.interface === nic).map(({ address }) => address)).toEqual(addresses);
  for (const family of families) {
    const connected = routesOf(pod, family).filter(({ dev }) => dev === ifname);
    expect(connected.map(({ protocol }) => protocol)).toContain("kernel");
  }
}

describe("multi-nic attaches and detaches", () => {
  describeWhere(linkKind("macvlan"), "macvlans", () => suite(rows(macvlans)));
  describeWhere(linkKind("ipvlan"), "ipvlans", () =>
    suite([...fewerRows(ipvlans), ...rows(ipvlans.slice(3, 4))]),
  );
});
