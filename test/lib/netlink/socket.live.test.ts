import { describe, expect, test } from "vitest";
import { openNetns } from "../../../lib/linux/netns.ts";
import { parseCidr } from "../../../lib/net/address.ts";
import { newAddress } from "../../../lib/netlink/message/address.ts";
import {
  decodeLink,
  deleteGroup,
  dumpLinks,
  getLinkByName,
  newLink,
  setLinkUp,
} from "../../../lib/netlink/message/link.ts";
import { newRoute } from "../../../lib/netlink/message/route.ts";
import { newRule } from "../../../lib/netlink/message/rule.ts";
import { makeMasters, makeNamespace } from "../../live/namespaces.ts";

const first = <T>(list: readonly T[] | undefined): T => {
  const [item] = list ?? [];
  if (item === undefined) throw new Error("nothing there");
  return item;
};

describe("a macvlan made directly in the pod's namespace", () => {
  test("has its final name, group, address, route and rule, and goes with its group", async () => {
    using hostNs = makeNamespace("host");
    using podNs = makeNamespace("pod");
    makeMasters(hostNs, podNs, ["veth0"]);
    using host = openNetns(hostNs.path);
    using pod = openNetns(podNs.path);
    const master = decodeLink(first((await host.netlink.request([getLinkByName("veth0")]))[0]));
    await host.netlink.request([
      newLink({
        name: "net1-0",
        kind: { kind: "macvlan", mode: "bridge" },
        link: master.index,
        master: "veth0",
        netnsFd: pod.fd,
        group: 77,
      }),
    ]);
    const links = first(await pod.netlink.request([dumpLinks()])).map(decodeLink);
    const made = first(links.filter(({ name }) => name === "net1-0"));
    await pod.netlink.request([
      newAddress({ index: made.index, cidr: parseCidr("10.1.0.5/24"), nodad: true }),
      setLinkUp(made.index, "net1-0"),
      newRoute({
        dst: parseCidr("10.9.0.0/16"),
        table: 1000,
        oif: made.index,
        gateway: parseCidr("10.1.0.1/32").address,
        protocol: 4,
      }),
      newRule({ family: 4, src: parseCidr("10.1.0.5/32"), table: 1000, priority: 1000, protocol: 4 }),
    ]);
    expect(podNs.ipJson("-d link show net1-0")).toMatchObject([
      { group: "77", linkinfo: { info_kind: "macvlan", info_data: { mode: "bridge" } } },
    ]);
    expect(podNs.ipJson("addr show net1-0")).toMatchObject([
      { addr_info: [{ local: "10.1.0.5", prefixlen: 24 }, { family: "inet6" }] },
    ]);
    expect(podNs.ipJson("route show table 1000")).toMatchObject([
      { dst: "10.9.0.0/16", gateway: "10.1.0.1", dev: "net1-0" },
    ]);
    expect(podNs.ipJson("rule show priority 1000")).toMatchObject([{ src: "10.1.0.5", table: "1000" }]);
    await pod.netlink.request([deleteGroup(77)]);
    expect(podNs.ip("-br link").includes("net1-0")).toBe(false);
  });
});
