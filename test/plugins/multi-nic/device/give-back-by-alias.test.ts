import { describe, expect, test } from "vitest";
import type { Netns } from "../../../../lib/linux/netns.ts";
import * as k from "../../../../lib/netlink/constants.ts";
import { giveBackByAlias } from "../../../../plugins/multi-nic/device/give-back-by-alias.ts";
import { groupOf } from "../../../../plugins/multi-nic/plan.ts";
import { type FakeLink, fakeNetlink, linkBody } from "../../../lib/netlink/fake-netlink.ts";

const key = { network: "n1", containerId: "c1", ifname: "net1" };
const group = groupOf(key) / 2;
const link = { index: 2, name: "net1-0", group, alias: "eth1" };
const parentDevice = "0000:3b:00.1";

/** What a pod with this link is asked to change. */
async function changes(one: FakeLink, virtual: boolean): Promise<string[]> {
  const netlink = fakeNetlink(({ type }) => (type === k.RTM_GETLINK ? [linkBody(one)] : []));
  const pod = { fd: 4, netlink } as unknown as Netns;
  const host = { fd: 3, netlink: fakeNetlink(() => []) } as unknown as Netns;
  await giveBackByAlias(key, host, pod, { virtual });
  return netlink.requests.filter(({ type }) => type === k.RTM_NEWLINK).map(({ label }) => label);
}

const home = ["move net1-0 home as eth1"];
const rows: readonly (readonly [string, FakeLink, alone: string[], withVirtual: string[]])[] = [
  ["a NIC", { ...link, parentDevice }, home, home],
  [
    "a NIC, on a kernel that tells its address alone",
    { ...link, permanentMac: "02:00:00:00:00:01" },
    home,
    home,
  ],
  ["an InfiniBand NIC", { ...link, parentDevice, kind: "ipoib" }, home, home],
  ["an InfiniBand link on one", { ...link, parentDevice, kind: "ipoib", link: 7 }, [], home],
  ["a NIC of another group", { ...link, parentDevice, group: 7 }, [], []],
  ["a veth", { ...link, kind: "veth" }, [], home],
  ["a macvlan", { ...link, kind: "macvlan", link: 7 }, [], home],
  ["loopback", { ...link, name: "lo" }, [], []],
  ["what has no kind, and nothing behind it (an L2TP session's)", link, [], []],
];

describe("without a record", () => {
  test.each(rows)("%s comes home, or stays", async (_title, one, alone, withVirtual) => {
    expect(await changes(one, false)).toEqual(alone);
    expect(await changes(one, true)).toEqual(withVirtual);
  });
});
